// The attachment of the program that counts connections by endpoint, for as long as a service wants
// that. Pinned beside the hooks' links, so that counting goes on without a daemon. Control thread.
#pragma once

#include <absl/status/status.h>

#include <string>
#include <string_view>

#include "base/unique_fd.h"
#include "dataplane/object.h"
#include "dataplane/pins.h"

namespace vicinity::dataplane {

class ActiveLink {
 public:
  ActiveLink() = default;
  ActiveLink(std::string_view cgroup, const Pins& pins);

  // Takes over what an earlier daemon attached to this cgroup, if it did.
  [[nodiscard]] absl::Status adopt(const Object& object);
  [[nodiscard]] absl::Status attach(const Object& object);
  // The program of `object` from now on, if attached at all.
  [[nodiscard]] absl::Status update(const Object& object) const;
  // REQUIRES: attached.
  [[nodiscard]] absl::Status detach();
  [[nodiscard]] bool attached() const { return link_.valid(); }

 private:
  std::string cgroup_;
  std::string pin_;
  base::UniqueFd link_;
};

}  // namespace vicinity::dataplane
