// P1 and P2 under load: tables change hundreds of times a second while connections run, and every
// connection lands where the tables said at that time. VICINITY_CHURN_SECONDS: how long (30).
#include <cstdlib>
#include <iostream>
#include <random>

#include "contract/plan_table.h"
#include "kernel/dataplane_fixture.h"
#include "kernel/timeline.h"

namespace vicinity::testing {
namespace {

using model::Family;
using std::chrono::seconds;

constexpr auto kInterval = std::chrono::milliseconds(2);

seconds churn_time() {
  const char* text = std::getenv("VICINITY_CHURN_SECONDS");
  return seconds(text == nullptr ? 30 : std::atoi(text));
}

std::set<std::string> answers_of(const std::vector<uint16_t>& backends) {
  std::set<std::string> answers;
  for (const uint16_t backend : backends) {
    answers.insert(answer_of(backend, Family::kIpv4));
    answers.insert(answer_of(backend, Family::kIpv6));
    answers.insert("::ffff:" + answer_of(backend, Family::kIpv4));
    answers.insert("[::ffff:" + std::string(kBackend4) +
                   "]:" + std::to_string(kFirstPort + backend));
  }
  return answers;
}

class ChurnTest : public KernelDataplaneTest {
 protected:
  std::vector<uint16_t> some_backends() {
    std::vector<uint16_t> backends;
    const int count = 1 + static_cast<int>(random_() % 3);
    for (int i = 0; i < count; ++i)
      backends.push_back(static_cast<uint16_t>(random_() % kBackends));
    std::ranges::sort(backends);
    const auto repeated = std::ranges::unique(backends);
    backends.erase(repeated.begin(), repeated.end());
    return backends;
  }

  // The first of several backends in a tier of its own, shares that differ.
  static compile::PortTable planned(const policy::AlgorithmSpec& spec,
                                    const std::vector<uint16_t>& backends, Family family) {
    const bool alone = backends.size() == 1;
    std::vector<PlannedTier> tiers(alone ? 1 : 2);
    for (size_t i = 0; i < backends.size(); ++i) {
      tiers[i == 0 || alone ? 0 : 1].endpoints.push_back(
          {.address = family == Family::kIpv4 ? kBackend4 : kBackend6,
           .port = static_cast<uint16_t>(kFirstPort + backends[i]),
           .share = i + 1});
    }
    if (!alone) {
      tiers[0].load_percent = 40;
      tiers[1].load_percent = 60;
    }
    return planned_table(spec, tiers, family);
  }

  void start_load(const std::vector<Target>& targets) {
    auto agent = world_->pod("client").agent();
    VICINITY_ASSERT_OK(agent);
    agent_ = *agent;
    targets_ = targets;
    VICINITY_ASSERT_OK(agent_->start_load({.targets = targets, .workers = 4}));
  }

  // Calls `step` every two milliseconds for as long as the test runs.
  template <class Step>
  uint64_t every_interval(std::chrono::nanoseconds duration, Step step) {
    uint64_t steps = 0;
    const int64_t begin_ns = monotonic_ns();
    const int64_t interval_ns = std::chrono::nanoseconds(kInterval).count();
    while (monotonic_ns() - begin_ns < duration.count()) {
      step();
      ++steps;
      const int64_t due_ns = begin_ns + static_cast<int64_t>(steps) * interval_ns;
      while (monotonic_ns() < due_ns) maintain_for(std::chrono::milliseconds(1));
    }
    return steps;
  }

  void check(const std::map<std::string, Timeline>& timelines) {
    auto report = agent_->stop_load();
    VICINITY_ASSERT_OK(report);
    uint64_t wrong = 0;
    for (const Attempt& attempt : report->attempts) {
      const std::string& address = targets_[attempt.target].address;
      const std::string answer = report->answer_of(attempt);
      const bool right = attempt.error == 0 &&
                         timelines.at(address).allows(attempt.started_ns, attempt.ended_ns, answer);
      if (!right && wrong++ < 10) {
        ADD_FAILURE() << address << " at " << attempt.started_ns << ": errno " << attempt.error
                      << ", reached " << answer;
      }
    }
    EXPECT_EQ(wrong, 0u);
    RecordProperty("connects", static_cast<int>(report->attempts.size()));
    std::cout << report->attempts.size() << " connects\n";
    EXPECT_GT(report->attempts.size(), 1000u);
  }

  PodAgent* agent_ = nullptr;
  std::vector<Target> targets_;
  std::mt19937 random_{20250822};
};

TEST_F(ChurnTest, P1EveryConnectSeesOneWholeTable) {
  open();
  Timeline timeline;
  const auto step = [&] {
    const std::vector<uint16_t> backends = some_backends();
    timeline.change(answers_of(backends),
                    [&] { apply({backends_service("ns/a", {kVip4, kVip6}, backends)}); });
  };
  step();
  start_load({{kVip4, 80}, {kVip6, 80}, {kMappedVip, 80}});
  const uint64_t steps = every_interval(churn_time(), step);
  std::cout << steps << " updates\n";
  EXPECT_GT(steps, static_cast<uint64_t>(churn_time().count()) * 400);
  check({{kVip4, timeline}, {kVip6, timeline}, {kMappedVip, timeline}});
  EXPECT_EQ(world_->decoy()->accepts(), 0u);
}

// Addresses go round between services that come and go; each service has backends of its own.
TEST_F(ChurnTest, P2NoConnectSeesAnotherServicesTable) {
  open();
  constexpr int kVips = 8;
  std::map<std::string, Timeline> timelines;
  std::vector<std::string> owners(kVips);
  std::vector<Target> targets;
  const auto vip = [](int i) {
    return i % 2 == 0 ? "10.96.0." + std::to_string(10 + i)
                      : "fd00:10:96::" + std::to_string(10 + i);
  };
  uint64_t created = 0;
  // Every second VIP has a service at all times, the others now and then none.
  const auto step = [&] {
    const int i = static_cast<int>(random_() % kVips);
    const bool none = i >= kVips / 2 && !owners[i].empty() && random_() % 2 == 0;
    const auto own = static_cast<uint16_t>(created % kBackends);
    const std::string fresh = none ? "" : "ns/service-" + std::to_string(created++);
    const std::set<std::string> answers = none ? std::set<std::string>{"decoy"} : answers_of({own});
    timelines[vip(i)].change(answers, [&] {
      std::vector<compile::ServiceTable> upserts;
      if (!none) upserts.push_back(backends_service(fresh, {vip(i)}, {own}));
      std::vector<std::string> removals;
      if (!owners[i].empty()) removals.push_back(owners[i]);
      apply(std::move(upserts), std::move(removals));
    });
    owners[i] = fresh;
  };
  for (int i = 0; i < kVips; ++i) {
    owners[i] = "ns/first-" + std::to_string(i);
    const auto own = static_cast<uint16_t>(i);
    timelines[vip(i)].change(answers_of({own}),
                             [&] { apply({backends_service(owners[i], {vip(i)}, {own})}); });
    targets.push_back({vip(i), 80});
  }
  start_load(targets);
  const uint64_t steps = every_interval(churn_time(), step);
  std::cout << steps << " updates, " << created << " services\n";
  check(timelines);
}

// The blocks that algorithms choose by come and go with their tables: another algorithm, other
// endpoints, other shares each time.
TEST_F(ChurnTest, P1TablesOfEveryAlgorithmAreWhole) {
  open();
  using policy::Algorithm;
  const std::vector<policy::AlgorithmSpec> specs = {
      {.kind = Algorithm::kRoundRobin},
      {.kind = Algorithm::kMaglev, .maglev_size = 251},
      {.kind = Algorithm::kLeastRequest},
      {.kind = Algorithm::kRingHash, .ring_min = 64, .ring_max = 256},
      {},
      {.affinity_timeout_s = 60},
      {.kind = Algorithm::kRingHash, .hash_input = policy::HashInput::kRandom}};
  Timeline timeline;
  uint64_t round = 0;
  const auto step = [&] {
    const std::vector<uint16_t> backends = some_backends();
    const policy::AlgorithmSpec& spec = specs[round++ % specs.size()];
    const compile::ServiceTable service = service_table(
        "ns/a", {kVip4, kVip6},
        {planned(spec, backends, Family::kIpv4), planned(spec, backends, Family::kIpv6)});
    timeline.change(answers_of(backends), [&] { apply({service}); });
  };
  // The maps have grown to what these tables need before the load begins.
  for (size_t i = 0; i < 4 * specs.size(); ++i) step();
  settle();
  start_load({{kVip4, 80}, {kVip6, 80}, {kMappedVip, 80}});
  const uint64_t steps = every_interval(churn_time() / 3, step);
  std::cout << steps << " updates\n";
  EXPECT_GT(steps, 20 * specs.size());
  check({{kVip4, timeline}, {kVip6, timeline}, {kMappedVip, timeline}});
  EXPECT_EQ(world_->decoy()->accepts(), 0u);
  EXPECT_EQ(dataplane_->outcomes().internal_error, 0u);
  EXPECT_EQ(dataplane_->outcomes().refused_empty, 0u);
}

// The ranges that hold an address come and go, are taken over and serve something else: each
// connect sees the longest one of its time, whole.
TEST_F(ChurnTest, EveryConnectSeesTheLongestRangeOfItsTime) {
  open();
  const auto ranged = [](const std::string& name, const std::string& range,
                         const std::vector<uint16_t>& backends) {
    compile::ServiceTable table = service_table(name, {}, {});
    const auto length = static_cast<uint8_t>(std::stoi(range.substr(range.find('/') + 1)));
    table.scoped = {{.ip = ip(range.substr(0, range.find('/'))),
                     .length = length,
                     .audience = model::Audience::kEveryone}};
    table.ports = {backends_table(80, Family::kIpv4, backends)};
    return table;
  };
  constexpr const char* kInside = "10.96.7.1";
  Timeline timeline;
  std::vector<uint16_t> wide;
  bool narrow = false;
  uint64_t created = 0;
  const auto step = [&] {
    std::vector<compile::ServiceTable> upserts;
    std::vector<std::string> removals;
    const std::vector<uint16_t> backends = some_backends();
    const std::string number = std::to_string(created);
    const bool changes_wide = wide.empty() || (!narrow && random_() % 2 == 0);
    if (changes_wide) wide = backends;
    timeline.change(answers_of(changes_wide || narrow ? wide : backends), [&] {
      if (changes_wide) {
        upserts.push_back(ranged("ns/wide", "10.96.0.0/16", wide));
      } else if (narrow) {
        removals.push_back("ns/narrow-" + number);
      } else {
        upserts.push_back(
            ranged("ns/narrow-" + std::to_string(++created), "10.96.7.0/24", backends));
      }
      apply(std::move(upserts), std::move(removals));
    });
    if (!changes_wide) narrow = !narrow;
  };
  step();
  start_load({{kInside, 80}});
  std::cout << every_interval(std::min(churn_time(), seconds(5)), step) << " updates\n";
  check({{kInside, timeline}});
  EXPECT_EQ(world_->decoy()->accepts(), 0u);
}

// Services are added until every map has had to grow, several times over.
TEST_F(ChurnTest, GrowsIntoNewGenerationsUnderLoad) {
  dataplane::KernelOptions small = options();
  small.max_services = 4;
  small.max_slots = 16;
  open(small);
  Timeline timeline;
  const std::vector<uint16_t> backends = {1, 2};
  timeline.change(answers_of(backends),
                  [&] { apply({backends_service("ns/a", {kVip4, kVip6}, backends)}); });
  start_load({{kVip4, 80}, {kVip6, 80}, {kMappedVip, 80}});
  compile::Tables want;
  want.services.emplace("ns/a", backends_service("ns/a", {kVip4, kVip6}, backends));
  for (int i = 0; i < 1000; ++i) {
    const std::string number = std::to_string(i % 250 + 1);
    compile::ServiceTable service =
        backends_service("ns/more-" + std::to_string(i),
                         {"10.97." + std::to_string(i / 250) + "." + number,
                          "fd00:10:97:" + std::to_string(i / 250) + "::" + number},
                         {0, 1, 2, 3});
    apply({service});
    want.services.emplace(service.name, std::move(service));
    maintain_for(std::chrono::milliseconds(0));
  }
  EXPECT_GE(dataplane_->status().generation, 4u);
  EXPECT_EQ(dataplane_->read_all(), want);
  check({{kVip4, timeline}, {kVip6, timeline}, {kMappedVip, timeline}});
  EXPECT_EQ(world_->decoy()->accepts(), 0u);
  auto reader = dataplane::Reader::open(pin_dir());
  VICINITY_ASSERT_OK(reader);
  EXPECT_EQ(reader->tables(), want);
  EXPECT_EQ(reader->generation(), dataplane_->status().generation);
}

}  // namespace
}  // namespace vicinity::testing
