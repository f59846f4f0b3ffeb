// The data plane as another process sees it, with a daemon or without: read-only, from the pins.
// What it returns may be half old and half new while a daemon is writing. Any thread.
#pragma once

#include <absl/status/statusor.h>

#include <optional>
#include <string_view>
#include <vector>

#include "compile/tables.h"
#include "dataplane/dataplane.h"
#include "dataplane/generation.h"
#include "dataplane/pins.h"

namespace vicinity::dataplane {

class Reader {
 public:
  // The newest complete generation; open another reader to see a later one.
  [[nodiscard]] static absl::StatusOr<Reader> open(std::string_view pin_dir,
                                                   uint32_t version = abi_version());

  [[nodiscard]] uint32_t generation() const { return generation_; }
  [[nodiscard]] compile::Tables tables() const;
  [[nodiscard]] Outcomes outcomes() const;
  [[nodiscard]] std::vector<TierCounts> tier_counts() const;
  [[nodiscard]] std::optional<NodeContext> context() const;

 private:
  uint32_t generation_ = 0;
  PinnedMaps maps_;
  MappedTables tables_;
};

}  // namespace vicinity::dataplane
