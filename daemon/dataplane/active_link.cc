#include "dataplane/active_link.h"

#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <utility>

#include "base/status.h"
#include "dataplane/links.h"

namespace vicinity::dataplane {
namespace {

Hook counting_hook() {
  return {.name = "sockops", .program = "vic_count_active", .attach_type = BPF_CGROUP_SOCK_OPS};
}

}  // namespace

ActiveLink::ActiveLink(std::string_view cgroup, const Pins& pins)
    : cgroup_(cgroup), pin_(pins.link_path(counting_hook().name).string()) {}

absl::Status ActiveLink::adopt(const Object& object) {
  std::error_code error;
  if (!std::filesystem::exists(pin_, error)) return absl::OkStatus();
  return attach(object);
}

absl::Status ActiveLink::attach(const Object& object) {
  VIC_ASSIGN_OR_RETURN(link_, attach_hook(cgroup_, counting_hook(), object, pin_));
  return absl::OkStatus();
}

absl::Status ActiveLink::update(const Object& object) const {
  if (!attached()) return absl::OkStatus();
  const int program = object.program_fd(counting_hook().program);
  if (bpf_link_update(link_.get(), program, nullptr) == 0) return absl::OkStatus();
  return base::errno_status(fmt::format("cgroup {}: update sockops", cgroup_));
}

absl::Status ActiveLink::detach() {
  const base::UniqueFd link = std::move(link_);
  ::unlink(pin_.c_str());
  if (bpf_link_detach(link.get()) == 0 || errno == ENOLINK) return absl::OkStatus();
  return base::errno_status(fmt::format("cgroup {}: detach sockops", cgroup_));
}

}  // namespace vicinity::dataplane
