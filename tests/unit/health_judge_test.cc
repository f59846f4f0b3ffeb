// The judge over all services: whose counts are whose, what starts from where, what is kept.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "health/judge.h"
#include "unit/health_rows.h"

namespace vicinity::testing {
namespace {

using health::Counted;
using health::Host;
using health::Judge;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr uint16_t kPort = 80;

policy::OutlierSpec after_two() {
  policy::OutlierSpec spec;
  spec.consecutive_5xx.failures = 2;
  spec.max_ejection_percent = 100;
  spec.interval_ms = 1000;
  spec.base_ejection_ms = 3000;
  return spec;
}

class JudgeTest : public ::testing::Test {
 protected:
  // Service ports of hosts 0..hosts-1; counts of all of them stand in the "kernel".
  void watch(const std::string& service, uint32_t hosts) {
    policy::JudgedPort port{.port = kPort, .family = {}, .spec = after_two(), .hosts = {}};
    for (uint32_t i = 0; i < hosts; ++i) port.hosts.push_back(host(i));
    judge_.watch(service, {&port, 1}, now_);
    for (uint32_t i = 0; i < hosts; ++i) row(service, i);
  }
  Counted& row(const std::string& service, uint32_t number) {
    for (Counted& one : kernel_) {
      if (one.service == service && one.host == host(number)) return one;
    }
    names_.push_back(service);
    return kernel_.emplace_back(Counted{
        .id = ++ids_, .service = names_.back(), .service_port = kPort, .host = host(number)});
  }
  void fail(const std::string& service, uint32_t number, uint32_t times) {
    row(service, number).failed += times;
    row(service, number).failed_in_row += times;
  }
  std::vector<std::string> look() {
    const auto draw = [] { return uint64_t{0}; };
    judge_.observe(kernel_, {.now = now_, .random = draw});
    judge_.look({.now = now_, .random = draw});
    return judge_.take_changed();
  }
  std::vector<std::string> after(absl::Duration time) {
    now_ += time;
    return look();
  }

  Judge judge_;
  absl::Time now_ = absl::FromUnixSeconds(1000);
  std::deque<std::string> names_;
  std::vector<Counted> kernel_;
  uint64_t ids_ = 0;
};

TEST_F(JudgeTest, AServiceIsChangedWhenOneOfItsHostsComesOrGoes) {
  watch("a/x", 3);
  watch("a/y", 3);
  look();
  fail("a/x", 1, 2);
  EXPECT_THAT(look(), ElementsAre("a/x"));
  ASSERT_EQ(judge_.ejected("a/x").size(), 1u);
  EXPECT_EQ(judge_.ejected("a/x")[0].address, host(1).address);
  EXPECT_EQ(judge_.ejected("a/x")[0].service_port, kPort);
  EXPECT_THAT(look(), IsEmpty());
  EXPECT_THAT(after(absl::Seconds(2)), IsEmpty());
  EXPECT_THAT(after(absl::Seconds(1)), ElementsAre("a/x"));
  EXPECT_THAT(judge_.ejected("a/x"), IsEmpty());
}

TEST_F(JudgeTest, AHostOfTwoServicesIsJudgedInEach) {
  watch("a/x", 2);
  watch("a/y", 2);
  look();
  fail("a/x", 0, 1);
  fail("a/y", 0, 1);
  EXPECT_THAT(look(), IsEmpty());
  fail("a/y", 0, 1);
  EXPECT_THAT(look(), ElementsAre("a/y"));
  EXPECT_THAT(judge_.ejected("a/x"), IsEmpty());
}

TEST_F(JudgeTest, WhatWasCountedBeforeTheStartIsNoNews) {
  watch("a/x", 2);
  fail("a/x", 0, 100);
  EXPECT_THAT(look(), IsEmpty());
  fail("a/x", 0, 2);
  EXPECT_THAT(look(), ElementsAre("a/x"));
}

TEST_F(JudgeTest, WhoeverIsNewLaterIsNews) {
  watch("a/x", 1);
  look();
  watch("a/y", 2);
  fail("a/y", 1, 2);
  EXPECT_THAT(look(), ElementsAre("a/y"));
}

TEST_F(JudgeTest, HostsInAnotherOrderAreTheSame) {
  watch("a/x", 4);
  look();
  fail("a/x", 2, 1);
  look();
  std::swap(kernel_[0], kernel_[2]);
  kernel_.erase(kernel_.begin() + 1);
  fail("a/x", 2, 1);
  EXPECT_THAT(look(), ElementsAre("a/x"));
  EXPECT_EQ(judge_.ejected("a/x")[0].address, host(2).address);
}

TEST_F(JudgeTest, CountsThatWrapAroundGoOn) {
  watch("a/x", 2);
  row("a/x", 0).failed = 0xffffffffu;
  look();
  fail("a/x", 0, 2);
  EXPECT_THAT(look(), ElementsAre("a/x"));
}

TEST_F(JudgeTest, AServiceThatIsCompiledAgainKeepsItsHosts) {
  watch("a/x", 3);
  look();
  fail("a/x", 0, 2);
  fail("a/x", 1, 1);
  look();
  watch("a/x", 2);
  EXPECT_EQ(judge_.ejected("a/x").size(), 1u);
  fail("a/x", 1, 1);
  EXPECT_THAT(look(), ElementsAre("a/x"));
  EXPECT_EQ(judge_.counts().ejected, 2u);
}

TEST_F(JudgeTest, WhoIsNotJudgedAnyMoreIsNotEjected) {
  watch("a/x", 3);
  look();
  fail("a/x", 0, 2);
  look();
  EXPECT_TRUE(judge_.watch("a/x", {}, now_));
  EXPECT_THAT(judge_.ejected("a/x"), IsEmpty());
  EXPECT_EQ(judge_.next_look(), absl::InfiniteFuture());
  fail("a/x", 1, 2);
  EXPECT_THAT(look(), IsEmpty());
  watch("a/x", 3);
  fail("a/x", 1, 2);
  EXPECT_THAT(look(), ElementsAre("a/x")) << "judged again";
}

TEST_F(JudgeTest, AServiceThatComesBackFindsItsEjections) {
  watch("a/x", 3);
  look();
  fail("a/x", 0, 2);
  look();
  judge_.leave("a/x");
  EXPECT_EQ(judge_.ejected("a/x").size(), 1u);
  EXPECT_EQ(judge_.counts().ejected, 0u);
  after(absl::Seconds(1));
  watch("a/x", 3);
  EXPECT_EQ(judge_.counts().ejected, 1u);
  judge_.leave("a/x");
  EXPECT_THAT(after(absl::Seconds(3)), ElementsAre("a/x"));
  EXPECT_EQ(judge_.next_look(), absl::InfiniteFuture()) << "and is forgotten";
}

TEST_F(JudgeTest, EjectionsGoOnInAnotherJudge) {
  watch("a/x", 3);
  look();
  fail("a/x", 0, 2);
  look();
  const auto kept = judge_.ejections();
  ASSERT_EQ(kept.size(), 1u);
  Judge next;
  next.restore(kept[0], now_);
  EXPECT_EQ(next.ejected("a/x"), judge_.ejected("a/x")) << "before anything is compiled";
  std::swap(judge_, next);
  watch("a/x", 3);
  EXPECT_EQ(judge_.ejections(), kept);
  look();
  EXPECT_THAT(after(absl::Seconds(3)), ElementsAre("a/x"));
  EXPECT_THAT(judge_.ejections(), IsEmpty());
}

TEST_F(JudgeTest, AnEjectionOfAServiceThatNeverComesEnds) {
  judge_.restore({.service = "a/gone",
                  .service_port = kPort,
                  .ejection = {.host = host(1), .at = now_, .until = now_ + absl::Seconds(30)}},
                 now_);
  look();
  EXPECT_THAT(after(absl::Seconds(40)), ElementsAre("a/gone"));
  EXPECT_THAT(judge_.ejections(), IsEmpty());
}

TEST_F(JudgeTest, RemembersTheLastEventsOfAHost) {
  watch("a/x", 2);
  look();
  for (int i = 0; i < 10; ++i) {
    fail("a/x", 0, 2);
    look();
    after(absl::Seconds(60));
  }
  const auto states = judge_.states("a/x", kPort);
  ASSERT_EQ(states.size(), 1u);
  EXPECT_EQ(states[0].history.size(), Judge::kHistory);
  EXPECT_EQ(states[0].history.back().verdict, health::Verdict::kReturned);
  EXPECT_FALSE(states[0].ejection);
  EXPECT_EQ(judge_.counts().ejections[0], 10u);
  EXPECT_EQ(judge_.counts().returned, 10u);
  EXPECT_THAT(judge_.states("a/x", 81), IsEmpty());
}

}  // namespace
}  // namespace vicinity::testing
