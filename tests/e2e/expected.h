// The tables that a recorded feed must lead to, as tests/data and the recordings state them: after
// each step, seen from each node. Plain data; any thread.
#pragma once

#include <absl/status/statusor.h>

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "compile/tables.h"

namespace vicinity::testing {

// What of a table is stated: mode, and per tier the weight of every address (same address twice:
// weights added).
struct ExpectedTable {
  std::string mode;
  std::vector<std::map<std::string, uint64_t>> tiers;
  bool operator==(const ExpectedTable&) const = default;
};

// "namespace/hostname port family" -> table.
using ExpectedTables = std::map<std::string, ExpectedTable>;
// "namespace/hostname port family" -> workload uid -> reason.
using ExpectedExclusions = std::map<std::string, std::map<std::string, std::string>>;

struct ExpectedView {
  std::string step;
  std::string node;
  ExpectedTables tables;
  ExpectedExclusions excluded;  // an entry for every table
};

[[nodiscard]] absl::StatusOr<std::vector<ExpectedView>> load_expected(const std::string& path);
// The views of one step, by node.
[[nodiscard]] std::map<std::string, ExpectedView> at_step(const std::vector<ExpectedView>& views,
                                                          std::string_view step);

// The same facts out of compiled tables, e.g. those read from the kernel.
[[nodiscard]] ExpectedTables facts_of(const compile::Tables& tables);
[[nodiscard]] std::string to_text(const ExpectedTables& tables);

}  // namespace vicinity::testing
