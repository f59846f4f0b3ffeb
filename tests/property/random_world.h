// Services and workloads at random, from small sets of values so that everything collides: names,
// addresses, places, ports. The seed decides all.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "unit/model_rows.h"

namespace vicinity::testing {

class RandomRows {
 public:
  explicit RandomRows(uint64_t seed) : random_(seed) {}

  [[nodiscard]] uint32_t below(uint32_t bound) { return static_cast<uint32_t>(random_() % bound); }
  [[nodiscard]] bool one_in(uint32_t n) { return below(n) == 0; }
  [[nodiscard]] ServiceRow service(int number);
  [[nodiscard]] WorkloadRow workload(int number);
  // Upserts and removals of services 0..4 and workloads 0..11, each name at most once.
  [[nodiscard]] DeltaRow delta();
  [[nodiscard]] std::mt19937_64& engine() { return random_; }

 private:
  [[nodiscard]] std::string pick(std::initializer_list<const char*> values);
  [[nodiscard]] std::vector<PortRow> ports(bool of_service);

  std::mt19937_64 random_;
};

[[nodiscard]] std::string service_name(int number);
[[nodiscard]] std::string workload_name(int number);

// A workload of node "here" that never goes: without it the own context would depend on history.
[[nodiscard]] WorkloadRow anchor();

}  // namespace vicinity::testing
