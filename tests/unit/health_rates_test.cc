// Judgement by rates: who is compared with whom, and when there is too little to compare.
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "unit/health_rows.h"

namespace vicinity::testing {
namespace {

using health::Cause;
using health::Outcomes;
using policy::OutlierSpec;

// `connects` of which `percent` succeed, the last one too.
Outcomes rate(uint32_t connects, uint32_t percent) {
  const uint32_t established = connects * percent / 100;
  return {.established = established, .failed = connects - established};
}

OutlierSpec by_success() {
  OutlierSpec spec;
  spec.consecutive_5xx.failures = 0;
  spec.consecutive_local_origin.failures = 0;
  spec.max_ejection_percent = 100;
  return spec;
}

OutlierSpec by_failures() {
  OutlierSpec spec = by_success();
  spec.success_rate.enforced_percent = 0;
  spec.failure_percentage.enforced_percent = 100;
  return spec;
}

struct RateRow {
  std::string says;
  OutlierSpec spec;
  std::vector<Outcomes> hosts;
  std::set<size_t> ejected;
  Cause cause = Cause::kSuccessRate;
};

std::vector<RateRow> success_rows() {
  OutlierSpec wide = by_success();
  wide.success_rate.stdev_permille = 2000;
  OutlierSpec narrow = by_success();  // one of four could be below
  narrow.success_rate.stdev_permille = 1000;
  return {
      // Mean 90, deviation 20, threshold 52: Envoy's own example.
      {"below mean - 1.9 deviations",
       by_success(),
       {rate(100, 50), rate(100, 100), rate(100, 100), rate(100, 100), rate(100, 100)},
       {0}},
      {"on the threshold",
       wide,
       {rate(100, 50), rate(100, 100), rate(100, 100), rate(100, 100), rate(100, 100)},
       {}},
      {"too few hosts",
       narrow,
       {rate(100, 50), rate(100, 100), rate(100, 100), rate(100, 100)},
       {}},
      {"too few connects of one leave too few hosts",
       narrow,
       {rate(100, 50), rate(100, 100), rate(100, 100), rate(100, 100), rate(99, 100)},
       {}},
      {"a host with too few connects is not judged",
       by_success(),
       {rate(99, 0), rate(100, 50), rate(100, 100), rate(100, 100), rate(100, 100), rate(100, 100)},
       {1}},
      {"all equally bad", by_success(), std::vector(5, rate(100, 10)), {}},
      {"idle", by_success(), std::vector(5, Outcomes{}), {}},
  };
}

std::vector<RateRow> failure_rows() {
  OutlierSpec lenient = by_failures();
  lenient.failure_percentage.threshold = 86;
  OutlierSpec split = by_failures();
  split.split_local_origin = true;
  OutlierSpec local = split;
  local.failure_percentage.enforced_percent = 0;
  local.failure_percentage.local_enforced_percent = 100;
  const std::vector<Outcomes> bad = {rate(100, 15), rate(100, 16), rate(100, 100), rate(100, 100),
                                     rate(50, 0)};
  std::vector<Outcomes> reset = std::vector(5, rate(100, 100));
  reset[3].reset_early = 90;
  return {
      {"85 of 100 fail", by_failures(), bad, {0, 4}, Cause::kFailurePercentage},
      {"another threshold", lenient, bad, {4}, Cause::kFailurePercentage},
      {"too few hosts", by_failures(), {bad.begin(), bad.begin() + 4}, {}},
      {"too few connects",
       by_failures(),
       {rate(49, 0), rate(100, 100), rate(100, 100), rate(100, 100), rate(100, 100),
        rate(100, 100)},
       {}},
      {"split: failed connects are not the other side's", split, bad, {}},
      {"split: resets are", split, reset, {3}, Cause::kFailurePercentage},
      {"split: local origin", local, bad, {0, 4}, Cause::kFailurePercentageLocalOrigin},
      {"split: resets are not local", local, reset, {}},
  };
}

void expect(const RateRow& row) {
  SCOPED_TRACE(row.says);
  Ward ward(row.spec, static_cast<uint32_t>(row.hosts.size()));
  for (size_t i = 0; i < row.hosts.size(); ++i) EXPECT_FALSE(ward.observe(i, row.hosts[i]));
  std::set<size_t> ejected;
  for (const auto& event : ward.pass(absl::Seconds(10))) {
    EXPECT_EQ(event.verdict, health::Verdict::kEjected);
    EXPECT_EQ(event.cause, row.cause);
    for (size_t i = 0; i < row.hosts.size(); ++i) {
      if (event.host == host(static_cast<uint32_t>(i))) ejected.insert(i);
    }
  }
  EXPECT_EQ(ejected, row.ejected);
}

TEST(Rates, Success) {
  for (const RateRow& row : success_rows()) expect(row);
}

TEST(Rates, Failures) {
  for (const RateRow& row : failure_rows()) expect(row);
}

TEST(Rates, LocalSuccessWhenSplit) {
  OutlierSpec spec = by_success();
  spec.split_local_origin = true;
  std::vector<Outcomes> hosts = std::vector(5, rate(100, 100));
  hosts[0] = rate(100, 50);
  Ward ward(spec, 5);
  for (size_t i = 0; i < 5; ++i) EXPECT_FALSE(ward.observe(i, hosts[i]));
  const auto events = ward.pass(absl::Seconds(10));
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].cause, Cause::kSuccessRateLocalOrigin);
}

TEST(Rates, EachIntervalIsJudgedAlone) {
  Ward ward(by_failures(), 5);
  for (size_t i = 0; i < 5; ++i) ward.observe(i, rate(49, i == 0 ? 0 : 100));
  EXPECT_TRUE(ward.pass(absl::Seconds(10)).empty());
  for (size_t i = 0; i < 5; ++i) ward.observe(i, rate(49, i == 0 ? 0 : 100));
  EXPECT_TRUE(ward.pass(absl::Seconds(10)).empty());
}

TEST(Rates, SpareWhoIsOverTheLimit) {
  OutlierSpec spec = by_failures();
  spec.max_ejection_percent = 20;
  Ward ward(spec, 5);
  for (size_t i = 0; i < 5; ++i) ward.observe(i, rate(100, i < 2 ? 0 : 100));
  const auto events = ward.pass(absl::Seconds(10));
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0].verdict, health::Verdict::kEjected);
  EXPECT_EQ(events[1].verdict, health::Verdict::kSpared);
}

}  // namespace
}  // namespace vicinity::testing
