// Tables whose shares are known, and the draw as the hooks make it. Pure.
#pragma once

#include "bpf/select.h"

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "compile/alias.h"

namespace vicinity::testing {

struct SelectRow {
  std::string name;
  std::vector<compile::ShareGroup> groups;  // tiers with load
};

inline std::vector<uint64_t> equal_weights(size_t count) { return std::vector<uint64_t>(count, 1); }

inline std::vector<uint64_t> rising_weights(size_t count) {
  std::vector<uint64_t> weights;
  for (size_t i = 1; i <= count; ++i) weights.push_back(i);
  return weights;
}

inline std::vector<SelectRow> select_rows() {
  return {
      {"one", {{.percent = 100, .weights = {1}}}},
      {"two to one", {{.percent = 100, .weights = {2, 1}}}},
      {"seven equal", {{.percent = 100, .weights = equal_weights(7)}}},
      {"a rare one", {{.percent = 100, .weights = {1, 9999}}}},
      {"rising", {{.percent = 100, .weights = rising_weights(50)}}},
      {"tiers with load",
       {{.percent = 70, .weights = {1, 1, 1}},
        {.percent = 25, .weights = {3, 1}},
        {.percent = 5, .weights = equal_weights(10)}}},
      {"a thousand",
       {{.percent = 90, .weights = rising_weights(500)},
        {.percent = 10, .weights = equal_weights(500)}}},
  };
}

inline std::vector<double> exact_shares(const SelectRow& row) {
  std::vector<double> shares;
  for (const compile::ShareGroup& group : row.groups) {
    double sum = 0;
    for (const uint64_t weight : group.weights) sum += static_cast<double>(weight);
    for (const uint64_t weight : group.weights) {
      shares.push_back(group.percent / 100.0 * static_cast<double>(weight) / sum);
    }
  }
  return shares;
}

inline std::vector<vic_alias> aliases_of(const SelectRow& row) {
  std::vector<vic_alias> aliases;
  for (const compile::Column& column : compile::alias_table(compile::share_units(row.groups))) {
    aliases.push_back({.threshold = column.threshold, .other = column.other, .weight = 1});
  }
  return aliases;
}

inline uint32_t draw(uint32_t random, const std::vector<vic_alias>& aliases) {
  const vic_draw drawn = vic_draw_slot(random, static_cast<uint32_t>(aliases.size()));
  return vic_settle_draw(drawn, &aliases[drawn.slot]);
}

}  // namespace vicinity::testing
