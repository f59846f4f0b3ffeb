// bench_judge: what judging endpoints, and weighing tiers, costs the control thread. Prints CPU
// time per look and the part of a core that is, at one look a second, with nobody failing and with
// failures everywhere, with nobody overloaded and with everybody.
#include <fmt/format.h>
#include <time.h>

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "bench/json_file.h"
#include "health/judge.h"
#include "health/load_judge.h"

namespace vicinity::bench {
namespace {

using base::Json;

constexpr uint32_t kServices = 1000;
constexpr uint32_t kHosts = 100;  // of each
constexpr int kLooks = 30;

double cpu_ms() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6;
}

health::Host host(uint32_t number) {
  health::Host host{.address = {}, .port = 80};
  host.address.bytes = {10, static_cast<uint8_t>(number >> 16), static_cast<uint8_t>(number >> 8),
                        static_cast<uint8_t>(number)};
  return host;
}

class Node {
 public:
  explicit Node(const policy::OutlierSpec& spec) {
    for (uint32_t service = 0; service < kServices; ++service) {
      names_.push_back(fmt::format("namespace/service-{}.namespace.svc.cluster.local", service));
      policy::JudgedPort port{.port = 80, .family = {}, .spec = spec, .hosts = {}};
      for (uint32_t i = 0; i < kHosts; ++i) {
        port.hosts.push_back(host(service * kHosts + i));
        counts_.push_back({.id = counts_.size() + 1,
                           .service = names_.back(),
                           .service_port = 80,
                           .host = port.hosts.back()});
      }
      judge_.watch(names_.back(), {&port, 1}, now_);
    }
    look();
  }

  // Every host has `established` connects more; of every `failing`-th one (0: none) all fail.
  void connect(uint32_t established, size_t failing) {
    for (size_t i = 0; i < counts_.size(); ++i) {
      if (failing > 0 && i % failing == 0) {
        counts_[i].failed += established;
        counts_[i].failed_in_row += established;
      } else {
        counts_[i].established += established;
      }
    }
  }
  size_t look() {
    const auto draw = [] { return uint64_t{0}; };
    judge_.observe(counts_, {.now = now_, .random = draw});
    judge_.look({.now = now_, .random = draw});
    size_t ejected = 0;
    for (const std::string& service : judge_.take_changed()) {
      ejected += judge_.ejected(service).size();
    }
    now_ += absl::Seconds(1);
    return ejected;
  }
  [[nodiscard]] health::JudgeCounts counts() const { return judge_.counts(); }

 private:
  health::Judge judge_;
  absl::Time now_ = absl::FromUnixSeconds(1000);
  std::deque<std::string> names_;
  std::vector<health::Counted> counts_;
};

struct Load {
  std::string_view what;
  uint32_t established;
  size_t failing;
};

Json measure(const policy::OutlierSpec& spec, const Load& load) {
  Node node(spec);
  double spent = 0;
  for (int i = 0; i < kLooks; ++i) {
    node.connect(load.established, load.failing);
    const double before = cpu_ms();
    (void)node.look();
    spent += cpu_ms() - before;
  }
  const double per_look = spent / kLooks;
  fmt::print("{:<40} {:>8.3f} ms {:>8.3f} %   {} of {} ejected\n", load.what, per_look,
             per_look / 10, node.counts().ejected, node.counts().judged);
  return Json::object({{"row", Json::string(load.what)}, {"ms", Json::real(per_look)}});
}

// The same services, a tenth of their endpoints near, looked at every second.
class WeighedNode {
 public:
  WeighedNode() {
    for (uint32_t service = 0; service < kServices; ++service) {
      names_.push_back(fmt::format("namespace/service-{}.namespace.svc.cluster.local", service));
      policy::WeighedPort port{
          .port = 80,
          .spec = {.max_active_permille = 1000, .interval_ms = 1000},
          .tiers = {{.load = {.percent = 100}, .capacity = kNear}, {.capacity = kHosts - kNear}}};
      for (uint32_t i = 0; i < kHosts; ++i) {
        port.tiers[i < kNear ? 0 : 1].hosts.push_back(host(service * kHosts + i));
        counts_.push_back({.id = counts_.size() + 1,
                           .service = names_.back(),
                           .service_port = 80,
                           .host = host(service * kHosts + i)});
      }
      judge_.watch(names_.back(), {&port, 1}, now_);
    }
  }
  // Near endpoints have so many open, the others none.
  void open(uint64_t connections) {
    for (size_t i = 0; i < counts_.size(); ++i) {
      counts_[i].active = i % kHosts < kNear ? connections : 0;
      counts_[i].established += connections;
    }
  }
  size_t look() {
    now_ += absl::Seconds(1);
    judge_.observe(counts_);
    return judge_.look(now_).size();
  }

 private:
  static constexpr uint32_t kNear = kHosts / 10;
  health::LoadJudge judge_;
  absl::Time now_ = absl::FromUnixSeconds(1000);
  std::deque<std::string> names_;
  std::vector<health::LoadCounted> counts_;
};

Json measure_weighing(std::string_view what, uint64_t connections) {
  WeighedNode node;
  double spent = 0;
  size_t steps = 0;
  for (int i = 0; i < kLooks; ++i) {
    node.open(connections);
    const double before = cpu_ms();
    steps += node.look();
    spent += cpu_ms() - before;
  }
  fmt::print("{:<40} {:>8.3f} ms {:>8.3f} %   {} steps\n", what, spent / kLooks,
             spent / kLooks / 10, steps);
  return Json::object({{"row", Json::string(what)}, {"ms", Json::real(spent / kLooks)}});
}

Json run() {
  policy::OutlierSpec spec;
  spec.interval_ms = 1000;
  fmt::print("{} endpoints of {} services, interval 1 s\n", kServices * kHosts, kServices);
  fmt::print("{:<40} {:>11} {:>10}\n", "", "a look", "of a core");
  policy::OutlierSpec streaks = spec;
  streaks.success_rate.enforced_percent = 0;
  Json rows = Json::array();
  rows.push(measure(streaks, {"streaks, nothing new", 0, 0}));
  rows.push(measure(streaks, {"streaks, connects to all, all well", 10, 0}));
  rows.push(measure(streaks, {"streaks, connects to all, 5 % fail", 10, 20}));
  rows.push(measure(spec, {"and success rate, connects to all", 200, 0}));
  rows.push(measure(spec, {"and success rate, 5 % fail", 200, 20}));
  rows.push(measure_weighing("spill by load, nobody overloaded", 1));
  rows.push(measure_weighing("spill by load, everybody", 2));
  return rows;
}

}  // namespace
}  // namespace vicinity::bench

// bench_judge [JSON_FILE]
int main(int argc, char** argv) {
  const absl::Status status =
      vicinity::bench::write_json(vicinity::bench::run(), argc > 1 ? argv[1] : "");
  if (!status.ok()) fmt::print(stderr, "bench_judge: {}\n", vicinity::base::message(status));
  return status.ok() ? 0 : 1;
}
