// The difference between two Tables, as a set: all of it becomes true together. Pure.
#pragma once

#include <string>
#include <vector>

#include "compile/tables.h"

namespace vicinity::compile {

struct Diff {
  std::vector<ServiceTable> upserts;  // sorted by name
  std::vector<std::string> removals;  // sorted names
  [[nodiscard]] bool empty() const { return upserts.empty() && removals.empty(); }
  bool operator==(const Diff&) const = default;
};

[[nodiscard]] Diff diff(const Tables& have, const Tables& want);
[[nodiscard]] std::string to_text(const Diff& diff);

}  // namespace vicinity::compile
