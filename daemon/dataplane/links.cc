#include "dataplane/links.h"

#include <bpf/bpf.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <utility>

#include "base/status.h"

namespace vicinity::dataplane {
namespace {

namespace fs = std::filesystem;

// The number by which the kernel knows a cgroup; 0: there is none at this path.
uint64_t cgroup_id(const std::string& path) {
  struct stat info = {};
  return ::stat(path.c_str(), &info) == 0 ? info.st_ino : 0;
}

uint64_t linked_cgroup(int link) {
  bpf_link_info info = {};
  uint32_t size = sizeof(info);
  return bpf_obj_get_info_by_fd(link, &info, &size) == 0 ? info.cgroup.cgroup_id : 0;
}

absl::StatusOr<base::UniqueFd> open_cgroup(const std::string& path) {
  base::UniqueFd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid()) return base::errno_status(fmt::format("cgroup {}", path));
  struct statfs info = {};
  if (::fstatfs(fd.get(), &info) != 0 || info.f_type != CGROUP2_SUPER_MAGIC) {
    return absl::FailedPreconditionError(
        fmt::format("cgroup {}: not in a cgroup2 hierarchy", path));
  }
  return fd;
}

absl::Status attach_error(const std::string& cgroup, const Hook& hook, int error) {
  if (error != EPERM) {
    return base::errno_status(fmt::format("cgroup {}: attach {}", cgroup, hook.name), error);
  }
  return absl::PermissionDeniedError(
      fmt::format("cgroup {}: attach {}: not permitted (CAP_NET_ADMIN, or a program attached "
                  "exclusively here or above)",
                  cgroup, hook.name));
}

struct Attachment {
  const std::string& cgroup;
  int cgroup_fd;
  const Hook& hook;
  int program;
};

// Pinned under another name first and renamed over the old pin: there always is one.
absl::Status pin_link(int link, const fs::path& pin) {
  const fs::path fresh = pin.string() + "-new";
  ::unlink(fresh.c_str());
  if (bpf_obj_pin(link, fresh.c_str()) == 0 && ::rename(fresh.c_str(), pin.c_str()) == 0) {
    return absl::OkStatus();
  }
  return base::errno_status(fmt::format("pin {}", pin.string()));
}

absl::StatusOr<base::UniqueFd> make_link(const Attachment& to, const fs::path& pin) {
  base::UniqueFd link(bpf_link_create(to.program, to.cgroup_fd,
                                      static_cast<bpf_attach_type>(to.hook.attach_type), nullptr));
  if (!link.valid()) return attach_error(to.cgroup, to.hook, errno);
  VIC_RETURN_IF_ERROR(pin_link(link.get(), pin));
  return link;
}

absl::StatusOr<base::UniqueFd> take_link(const Attachment& to, LinkPin pinned) {
  if (bpf_link_update(pinned.fd(), to.program, nullptr) != 0) {
    return base::errno_status(fmt::format("cgroup {}: update {}", to.cgroup, to.hook.name));
  }
  return pinned.take();
}

// From one program to the next without a connect between them, also from one ABI version to
// another; its pin goes last, so that there always is one.
absl::StatusOr<base::UniqueFd> inherit_link(const Attachment& to, LinkPin theirs,
                                            const fs::path& pin) {
  VIC_ASSIGN_OR_RETURN(base::UniqueFd link, take_link(to, std::move(theirs)));
  VIC_RETURN_IF_ERROR(pin_link(link.get(), pin));
  return link;
}

absl::StatusOr<base::UniqueFd> take_or_make_link(const Attachment& to, const Pins& pins) {
  const fs::path pin = pins.link_path(to.hook.name);
  LinkPin pinned = LinkPin::open(pin);
  if (pinned.attached_to(to.cgroup)) return take_link(to, std::move(pinned));
  for (const VersionPin& version : pins.other_versions()) {
    LinkPin theirs = LinkPin::open(version.links() / to.hook.name);
    if (theirs.attached_to(to.cgroup)) return inherit_link(to, std::move(theirs), pin);
  }
  return make_link(to, pin);
}

// What is left there is either the same attachment, or one that is to be detached.
void forget_inherited(const Pins& pins, std::string_view hook) {
  const LinkPin ours = LinkPin::open(pins.link_path(hook));
  for (const VersionPin& version : pins.other_versions()) {
    const fs::path path = version.links() / hook;
    if (LinkPin::open(path).id() == ours.id()) ::unlink(path.c_str());
  }
}

}  // namespace

// What shows, restores and drops a record is there before what makes one.
const std::vector<Hook>& hooks() {
  static const std::vector<Hook> hooks = {
      {.name = "sock_release",
       .program = "vic_sock_release",
       .attach_type = BPF_CGROUP_INET_SOCK_RELEASE},
      {.name = "recvmsg4", .program = "vic_recvmsg4", .attach_type = BPF_CGROUP_UDP4_RECVMSG},
      {.name = "recvmsg6", .program = "vic_recvmsg6", .attach_type = BPF_CGROUP_UDP6_RECVMSG},
      {.name = "getpeername4",
       .program = "vic_getpeername4",
       .attach_type = BPF_CGROUP_INET4_GETPEERNAME},
      {.name = "getpeername6",
       .program = "vic_getpeername6",
       .attach_type = BPF_CGROUP_INET6_GETPEERNAME},
      {.name = "sendmsg4", .program = "vic_sendmsg4", .attach_type = BPF_CGROUP_UDP4_SENDMSG},
      {.name = "sendmsg6", .program = "vic_sendmsg6", .attach_type = BPF_CGROUP_UDP6_SENDMSG},
      {.name = "connect4", .program = "vic_connect4", .attach_type = BPF_CGROUP_INET4_CONNECT},
      {.name = "connect6", .program = "vic_connect6", .attach_type = BPF_CGROUP_INET6_CONNECT}};
  return hooks;
}

LinkPin LinkPin::open(const fs::path& pin) {
  LinkPin link;
  link.fd_.reset(bpf_obj_get(pin.c_str()));
  bpf_link_info info = {};
  uint32_t size = sizeof(info);
  if (link.fd_.valid() && bpf_obj_get_info_by_fd(link.fd_.get(), &info, &size) == 0) {
    link.id_ = info.id;
  }
  return link;
}

bool LinkPin::attached_to(std::string_view cgroup) const {
  const uint64_t id = cgroup_id(std::string(cgroup));
  return valid() && id != 0 && linked_cgroup(fd_.get()) == id;
}

absl::StatusOr<base::UniqueFd> attach_hook(const std::string& cgroup, const Hook& hook,
                                           const Object& object, const std::filesystem::path& pin) {
  VIC_ASSIGN_OR_RETURN(const base::UniqueFd cgroup_fd, open_cgroup(cgroup));
  const Attachment attachment = {.cgroup = cgroup,
                                 .cgroup_fd = cgroup_fd.get(),
                                 .hook = hook,
                                 .program = object.program_fd(hook.program)};
  LinkPin pinned = LinkPin::open(pin);
  if (pinned.attached_to(cgroup)) return take_link(attachment, std::move(pinned));
  return make_link(attachment, pin);
}

absl::StatusOr<base::UniqueFd> attach_unpinned(const std::string& cgroup, int program,
                                               uint32_t attach_type) {
  VIC_ASSIGN_OR_RETURN(const base::UniqueFd cgroup_fd, open_cgroup(cgroup));
  base::UniqueFd link(bpf_link_create(program, cgroup_fd.get(),
                                      static_cast<bpf_attach_type>(attach_type), nullptr));
  if (link.valid()) return link;
  return base::errno_status(fmt::format("cgroup {}: attach", cgroup));
}

absl::StatusOr<Links> Links::attach(std::string_view cgroup, const Pins& pins,
                                    const Object& object) {
  Links links;
  links.cgroup_ = std::string(cgroup);
  VIC_ASSIGN_OR_RETURN(const base::UniqueFd cgroup_fd, open_cgroup(links.cgroup_));
  for (const Hook& hook : hooks()) {
    const Attachment attachment = {.cgroup = links.cgroup_,
                                   .cgroup_fd = cgroup_fd.get(),
                                   .hook = hook,
                                   .program = object.program_fd(hook.program)};
    VIC_ASSIGN_OR_RETURN(base::UniqueFd link, take_or_make_link(attachment, pins));
    links.links_.push_back(std::move(link));
    forget_inherited(pins, hook.name);
  }
  return links;
}

absl::Status Links::update(const Object& object) const {
  for (size_t i = 0; i < links_.size(); ++i) {
    const Hook& hook = hooks()[i];
    if (bpf_link_update(links_[i].get(), object.program_fd(hook.program), nullptr) != 0) {
      return base::errno_status(fmt::format("cgroup {}: update {}", cgroup_, hook.name));
    }
  }
  return absl::OkStatus();
}

bool Links::attached() const {
  const uint64_t id = cgroup_id(cgroup_);
  if (id == 0 || links_.size() != hooks().size()) return false;
  for (const base::UniqueFd& link : links_) {
    if (linked_cgroup(link.get()) != id) return false;
  }
  return true;
}

}  // namespace vicinity::dataplane
