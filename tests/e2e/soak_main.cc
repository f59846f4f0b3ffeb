// vicinity_soak SECONDS [SEED]: churn, restarts and faults at random under load. Prints what it did
// and saw; status 1 on a wrong or failed connect, growing memory, or something left behind.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <span>
#include <string>

#include "base/status.h"
#include "e2e/soak.h"

namespace vicinity::testing {
namespace {

// What a daemon's allocator may keep beyond what it had at first.
constexpr uint64_t kSlackKib = 8 << 10;

uint64_t median(std::span<const uint64_t> values) {
  std::vector<uint64_t> sorted(values.begin(), values.end());
  std::ranges::sort(sorted);
  return sorted.empty() ? 0 : sorted[sorted.size() / 2];
}

bool is_steady(const std::vector<uint64_t>& memory_kib) {
  const size_t quarter = std::max<size_t>(1, memory_kib.size() / 4);
  if (memory_kib.size() < 2 * quarter) return true;
  const std::span<const uint64_t> all(memory_kib);
  const uint64_t first = median(all.first(quarter));
  const uint64_t last = median(all.last(quarter));
  fmt::print("memory: {} KiB in the first quarter, {} KiB in the last\n", first, last);
  return last <= first + first / 10 + kSlackKib;
}

void print(const SoakReport& report) {
  for (const auto& [name, count] : report.actions) fmt::print("  {:<20} {}\n", name, count);
  fmt::print("{} connects in {} parts: {} failed, {} wrong\n", report.connects, report.parts,
             report.failed, report.wrong);
  fmt::print("memory of the daemon that stayed, KiB: {}\n", fmt::join(report.memory_kib, " "));
}

int soak(std::chrono::seconds duration, uint64_t seed) {
  fmt::print("soak: {} s, seed {}\n", duration.count(), seed);
  std::fflush(stdout);
  auto soak = Soak::set_up(seed);
  absl::Status status = soak.status();
  if (status.ok()) status = (*soak)->run(duration);
  if (status.ok()) status = (*soak)->wind_down();
  if (soak.ok()) print((*soak)->report());
  if (!status.ok()) {
    fmt::print("soak FAILED (seed {}): {}\n", seed, base::message(status));
    return 1;
  }
  const SoakReport& report = (*soak)->report();
  const bool good = report.failed == 0 && report.wrong == 0 && report.connects > 0 &&
                    is_steady(report.memory_kib);
  fmt::print("soak {} (seed {})\n", good ? "passed" : "FAILED", seed);
  return good ? 0 : 1;
}

}  // namespace
}  // namespace vicinity::testing

int main(int argc, char** argv) {
  const std::chrono::seconds duration(argc > 1 ? std::atoi(argv[1]) : 600);
  const bool seeded = argc > 2 && *argv[2] != '\0';
  const uint64_t seed = seeded ? std::strtoull(argv[2], nullptr, 10) : std::random_device()();
  return vicinity::testing::soak(duration, seed);
}
