// Streaks, ejection times and their bounds. Rows are Envoy's rules (semantics section 5), some of
// them its unit tests.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "unit/health_rows.h"

namespace vicinity::testing {
namespace {

using health::Cause;
using health::Outcomes;
using health::Verdict;
using policy::OutlierSpec;

OutlierSpec all_may_go() {
  OutlierSpec spec;
  spec.max_ejection_percent = 100;
  return spec;
}

OutlierSpec split() {
  OutlierSpec spec = all_may_go();
  spec.split_local_origin = true;
  return spec;
}

OutlierSpec gateway_only() {
  OutlierSpec spec = all_may_go();
  spec.consecutive_gateway.enforced_percent = 100;
  spec.consecutive_5xx.failures = 0;
  return spec;
}

struct StreakRow {
  std::string says;
  OutlierSpec spec;
  std::vector<Outcomes> looks;
  bool ejects;  // with the last look, not before
  Cause cause = Cause::kConsecutive5xx;
};

TEST(Detector, EjectsAfterFailuresInARow) {
  const Outcomes one_failure{.failed = 1, .failed_in_row = 1};
  const std::vector<StreakRow> rows = {
      {"five refused", all_may_go(), {{.failed = 5, .failed_in_row = 5}}, true},
      {"four refused", all_may_go(), {{.failed = 4, .failed_in_row = 4}}, false},
      {"one each look", all_may_go(), std::vector(5, one_failure), true},
      {"timeouts and refusals count together",
       all_may_go(),
       {{.failed = 2, .timed_out = 3, .failed_in_row = 5}},
       true},
      {"a success between two looks",
       all_may_go(),
       {{.failed = 4, .failed_in_row = 4}, {.established = 1}, {.failed = 4, .failed_in_row = 4}},
       false},
      {"a success in the same look ends what was before it",
       all_may_go(),
       {{.failed = 4, .failed_in_row = 4}, {.established = 1, .failed = 4, .failed_in_row = 4}},
       false},
      {"what came after the success goes on",
       all_may_go(),
       {{.established = 1, .failed = 4, .failed_in_row = 4}, one_failure},
       true},
      {"many failures among successes are no streak",
       all_may_go(),
       {{.established = 900, .failed = 100, .failed_in_row = 1}},
       false},
      {"resets of all that was established are failures",
       all_may_go(),
       {{.established = 5, .reset_early = 5}},
       true},
      {"a reset among connections that live is none",
       all_may_go(),
       {{.established = 6, .reset_early = 5}},
       false},
      {"gateway errors: refused and timed out",
       gateway_only(),
       {{.failed = 3, .timed_out = 2, .failed_in_row = 5}},
       true,
       Cause::kConsecutiveGateway},
      {"gateway errors: a reset is another kind of error",
       gateway_only(),
       {{.failed = 4, .failed_in_row = 4}, {.established = 1, .reset_early = 1}, one_failure},
       false},
      {"split: connects are local origin",
       split(),
       {{.failed = 5, .failed_in_row = 5}},
       true,
       Cause::kConsecutiveLocalOrigin},
      {"split: a connection ends a local streak, reset or not",
       split(),
       {{.failed = 4, .failed_in_row = 4}, {.established = 1, .reset_early = 1}, one_failure},
       false},
      {"split: resets are the other side's", split(), {{.established = 5, .reset_early = 5}}, true},
      {"split: failed connects do not end the other side's streak",
       split(),
       {{.established = 4, .reset_early = 4}, one_failure, {.established = 1, .reset_early = 1}},
       true},
  };
  for (const StreakRow& row : rows) {
    SCOPED_TRACE(row.says);
    Ward ward(row.spec, 3);
    std::optional<health::Event> event;
    for (size_t i = 0; i < row.looks.size(); ++i) {
      EXPECT_FALSE(event);
      event = ward.observe(1, row.looks[i]);
    }
    EXPECT_EQ(event.has_value(), row.ejects);
    EXPECT_EQ(ward.detector().ejected(), row.ejects ? 1u : 0u);
    if (!event) continue;
    EXPECT_EQ(event->verdict, Verdict::kEjected);
    EXPECT_EQ(event->cause, row.cause);
    EXPECT_EQ(event->host, host(1));
    EXPECT_EQ(event->until, ward.now() + absl::Seconds(30));
  }
}

TEST(Detector, AStreakOfNoneOrNotEnforcedNeverEjects) {
  OutlierSpec off = all_may_go();
  off.consecutive_5xx.failures = 0;
  EXPECT_FALSE(Ward(off, 3).fail(0, 1000));
  OutlierSpec watched = all_may_go();
  watched.consecutive_5xx.enforced_percent = 0;
  EXPECT_FALSE(Ward(watched, 3).fail(0, 1000));
}

TEST(Detector, ChanceDecidesWhatIsEnforcedInPart) {
  OutlierSpec spec = all_may_go();
  spec.consecutive_5xx.enforced_percent = 30;
  Ward ward(spec, 3);
  ward.set_random(130);
  EXPECT_EQ(ward.fail(0, 5)->verdict, Verdict::kNotEnforced);
  EXPECT_FALSE(ward.fail(0, 4)) << "the streak starts again";
  ward.set_random(129);
  EXPECT_EQ(ward.fail(0, 1)->verdict, Verdict::kEjected);
}

TEST(Detector, NeverLeavesOutMoreThanItsShare) {
  OutlierSpec spec;
  spec.max_ejection_percent = 40;
  Ward ward(spec, 5);
  EXPECT_EQ(ward.fail(0, 5)->verdict, Verdict::kEjected);
  EXPECT_EQ(ward.fail(1, 5)->verdict, Verdict::kEjected);
  EXPECT_EQ(ward.fail(2, 5)->verdict, Verdict::kSpared);
  EXPECT_EQ(ward.detector().ejected(), 2u);
  // An ejected one makes room only when it is back.
  EXPECT_EQ(ward.fail(2, 5)->verdict, Verdict::kSpared);
  ward.pass(absl::Seconds(30));
  EXPECT_EQ(ward.fail(2, 5)->verdict, Verdict::kEjected);
}

TEST(Detector, ReturnsAtTheFirstLookAfterItsTime) {
  OutlierSpec spec = all_may_go();
  spec.base_ejection_ms = 25'000;
  Ward ward(spec, 3);
  ward.pass(absl::Seconds(3));
  ASSERT_TRUE(ward.ejects(2, {.failed = 5, .failed_in_row = 5}));
  // Ejected at 3 s until 28 s; looks at 10, 20 and 30 s.
  EXPECT_TRUE(ward.pass(absl::Seconds(26)).empty());
  const auto events = ward.pass(absl::Seconds(1));
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].verdict, Verdict::kReturned);
  EXPECT_EQ(events[0].host, host(2));
  // Its streak starts at nothing, whatever failed while it was out.
  EXPECT_FALSE(ward.fail(2, 4));
}

TEST(Detector, WhatFailsWhileOutDoesNotProlongIt) {
  Ward ward(all_may_go(), 3);
  ASSERT_TRUE(ward.ejects(0, {.failed = 5, .failed_in_row = 5}));
  EXPECT_FALSE(ward.fail(0, 500));
  EXPECT_EQ(ward.time_out(0), absl::Seconds(30));
  EXPECT_FALSE(ward.fail(0, 4));
}

// A host that comes and goes changes its table no faster than the interval.
TEST(Detector, IsNeverBackWithinTheInterval) {
  OutlierSpec spec = all_may_go();
  spec.base_ejection_ms = 100;
  Ward ward(spec, 3);
  absl::Time back = absl::InfinitePast();
  for (int i = 0; i < 20; ++i) {
    ward.pass(absl::Milliseconds(700));
    if (!ward.ejects(0, {.failed = 5, .failed_in_row = 5})) continue;
    ward.time_out(0);
    EXPECT_GE(ward.now() - back, absl::Seconds(10));
    back = ward.now();
  }
}

TEST(Detector, AddsJitterToTheTime) {
  OutlierSpec spec = all_may_go();
  spec.max_jitter_ms = 999;
  Ward ward(spec, 3);
  ward.set_random(1'000'250);  // % 1000
  ward.fail(0, 5);
  EXPECT_EQ(ward.detector().ejection(0)->until - ward.now(), absl::Milliseconds(30'250));
}

TEST(Detector, HostsComeAndGo) {
  OutlierSpec spec;
  spec.max_ejection_percent = 25;
  Ward ward(spec, 4);
  ASSERT_TRUE(ward.ejects(0, {.failed = 5, .failed_in_row = 5}));
  ward.fail(1, 4);
  // Host 0 leaves: it takes no place among the ejected, and its own time goes on.
  ward.set_hosts(1, 5);
  EXPECT_EQ(ward.detector().ejected(), 0u);
  EXPECT_EQ(ward.detector().ejections().size(), 1u);
  EXPECT_TRUE(ward.ejects(0, {.failed = 1, .failed_in_row = 1})) << "host 1 keeps its streak";
  ward.set_hosts(0, 5);
  EXPECT_EQ(ward.detector().ejected(), 2u);
  EXPECT_TRUE(ward.detector().ejection(0));
  ward.set_hosts(1, 5);
  ward.pass(absl::Seconds(30));
  EXPECT_TRUE(ward.detector().ejections().empty());
  ward.set_hosts(0, 5);
  EXPECT_EQ(ward.detector().ejected(), 0u);
}

TEST(Detector, GoesOnAfterARestart) {
  Ward before(all_may_go(), 3);
  before.fail(1, 5);
  before.time_out(1);
  before.fail(1, 5);
  const auto ejections = before.detector().ejections();
  ASSERT_EQ(ejections.size(), 1u);
  EXPECT_EQ(ejections[0].multiplier, 2u);
  Ward after(all_may_go(), 0);
  after.detector().restore(ejections[0]);
  after.set_hosts(0, 3);
  EXPECT_EQ(after.detector().ejections(), ejections);
  EXPECT_EQ(after.detector().ejected(), 1u);
}

TEST(Detector, AnotherSpecJudgesFromThenOn) {
  OutlierSpec spec = all_may_go();
  Ward ward(spec, 3);
  ward.fail(0, 5);
  spec.consecutive_5xx.failures = 2;
  spec.interval_ms = 1000;
  ward.detector().configure(spec);
  EXPECT_EQ(ward.detector().next_look(), ward.now() + absl::Seconds(1));
  EXPECT_TRUE(ward.detector().ejection(0));
  EXPECT_TRUE(ward.ejects(1, {.failed = 2, .failed_in_row = 2}));
}

}  // namespace
}  // namespace vicinity::testing
