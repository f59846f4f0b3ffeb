#include "mounts.h"

#include <fmt/ranges.h>

#include <set>
#include <sstream>

#include "base/status.h"

namespace vicinity {

absl::StatusOr<std::string> find_cgroup2(std::string_view mounts) {
  std::set<std::string> found;
  std::istringstream lines{std::string(mounts)};
  for (std::string line; std::getline(lines, line);) {
    std::istringstream fields(line);
    std::string device;
    std::string path;
    std::string type;
    if (fields >> device >> path >> type && type == "cgroup2") found.insert(path);
  }
  if (found.empty()) {
    return absl::NotFoundError(
        "no cgroup2 hierarchy is mounted; mount one and name it by --cgroup");
  }
  if (found.size() > 1) {
    return base::invalid("several cgroup2 mounts, name one by --cgroup: {}",
                         fmt::join(found, ", "));
  }
  return *found.begin();
}

}  // namespace vicinity
