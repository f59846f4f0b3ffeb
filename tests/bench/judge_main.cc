// bench_judge: what judging endpoints costs the control thread. Prints CPU time per look and the
// part of a core that is, at one look a second, with nobody failing and with failures everywhere.
#include <fmt/format.h>
#include <time.h>

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "health/judge.h"

namespace vicinity::bench {
namespace {

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

void measure(const policy::OutlierSpec& spec, const Load& load) {
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
}

void run() {
  policy::OutlierSpec spec;
  spec.interval_ms = 1000;
  fmt::print("{} endpoints of {} services, interval 1 s\n", kServices * kHosts, kServices);
  fmt::print("{:<40} {:>11} {:>10}\n", "", "a look", "of a core");
  policy::OutlierSpec streaks = spec;
  streaks.success_rate.enforced_percent = 0;
  measure(streaks, {"streaks, nothing new", 0, 0});
  measure(streaks, {"streaks, connects to all, all well", 10, 0});
  measure(streaks, {"streaks, connects to all, 5 % fail", 10, 20});
  measure(spec, {"and success rate, connects to all", 200, 0});
  measure(spec, {"and success rate, 5 % fail", 200, 20});
}

}  // namespace
}  // namespace vicinity::bench

int main() {
  vicinity::bench::run();
  return 0;
}
