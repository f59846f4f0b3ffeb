// The attachment of the programs that trace what becomes of connections, for as long as a table is
// watched. Pinned beside the hooks' links, so that it goes on without a daemon. Control thread.
#pragma once

#include <absl/status/status.h>

#include <filesystem>
#include <vector>

#include "base/unique_fd.h"
#include "dataplane/object.h"
#include "dataplane/pins.h"

namespace vicinity::dataplane {

class WatchLinks {
 public:
  WatchLinks() = default;
  explicit WatchLinks(const Pins& pins);

  // The programs of `object` from now on, in place of those that an earlier daemon or generation
  // attached. For a moment both are: they agree by the notes on which of them counts.
  // REQUIRES: loaded with a LoadPlan that watches.
  [[nodiscard]] absl::Status attach(const Object& object);
  void detach();
  [[nodiscard]] bool attached() const { return !links_.empty(); }

 private:
  std::vector<std::filesystem::path> pins_;
  std::vector<base::UniqueFd> links_;
};

}  // namespace vicinity::dataplane
