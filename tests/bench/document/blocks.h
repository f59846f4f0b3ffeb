// The parts of docs/benchmarks.md that are made of results: tables, and whether the targets are
// met. In the document each stands between "<!-- results: NAME -->" and "<!-- end -->". Pure.
#pragma once

#include <absl/status/statusor.h>

#include <string>
#include <string_view>
#include <vector>

#include "bench/document/plot.h"
#include "bench/document/results.h"

namespace vicinity::bench {

struct Block {
  std::string name;
  std::string text;
};
[[nodiscard]] std::vector<Block> blocks_of(const Results& results);

struct Picture {
  std::string file;
  std::string svg;
};
[[nodiscard]] std::vector<Picture> pictures_of(const Results& results);

// What stood in the blocks before is replaced. Error: the document has no place for one.
[[nodiscard]] absl::StatusOr<std::string> put_into(std::string document,
                                                   const std::vector<Block>& blocks);

}  // namespace vicinity::bench
