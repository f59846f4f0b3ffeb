// The attachment of the hooks to a cgroup. Pinned, so that it outlives the daemon; a new program
// takes the place of the old in one step, with no connect between them. Control thread.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/unique_fd.h"
#include "dataplane/object.h"
#include "dataplane/pins.h"

namespace vicinity::dataplane {

// Hooks by the name of their pin.
struct Hook {
  std::string_view name;
  std::string_view program;
  uint32_t attach_type = 0;  // enum bpf_attach_type
};
[[nodiscard]] const std::vector<Hook>& hooks();

// One pinned attachment, or none where there is no such pin.
class LinkPin {
 public:
  [[nodiscard]] static LinkPin open(const std::filesystem::path& pin);

  [[nodiscard]] bool valid() const { return fd_.valid(); }
  // 0: there is none.
  [[nodiscard]] uint32_t id() const { return id_; }
  [[nodiscard]] bool attached_to(std::string_view cgroup) const;
  [[nodiscard]] base::UniqueFd take() { return std::move(fd_); }
  [[nodiscard]] int fd() const { return fd_.get(); }

 private:
  base::UniqueFd fd_;
  uint32_t id_ = 0;
};

// The link of one hook on this cgroup at this pin: the pinned one with its program updated, or a
// new one pinned in its place.
[[nodiscard]] absl::StatusOr<base::UniqueFd> attach_hook(const std::string& cgroup,
                                                         const Hook& hook, const Object& object,
                                                         const std::filesystem::path& pin);

// For as long as the descriptor is open.
[[nodiscard]] absl::StatusOr<base::UniqueFd> attach_unpinned(const std::string& cgroup, int program,
                                                             uint32_t attach_type);

class Links {
 public:
  // Updates the pinned links of this cgroup, also those of another ABI version, whose pins move to
  // ours; makes those that are missing, and replaces those of another cgroup.
  [[nodiscard]] static absl::StatusOr<Links> attach(std::string_view cgroup, const Pins& pins,
                                                    const Object& object);
  // The programs of `object` from now on, one hook after another.
  [[nodiscard]] absl::Status update(const Object& object) const;
  // Are all hooks attached to the cgroup that is at its path now? A cgroup that was removed takes
  // its attachments along, and a link does not say so.
  [[nodiscard]] bool attached() const;

 private:
  std::string cgroup_;
  std::vector<base::UniqueFd> links_;  // in the order of hooks()
};

}  // namespace vicinity::dataplane
