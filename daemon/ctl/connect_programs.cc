// Asks the kernel with bpf(2) itself: vicinityctl has no other use for libbpf.
#include <fcntl.h>
#include <linux/bpf.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cstring>

#include "base/status.h"
#include "base/unique_fd.h"
#include "ctl/node_facts.h"

namespace vicinity::ctl {
namespace {

constexpr size_t kMostPrograms = 64;

long bpf_call(bpf_cmd command, bpf_attr& attributes) {
  return ::syscall(SYS_bpf, command, &attributes, sizeof(attributes));
}

// Empty: we may not ask.
std::string name_of(uint32_t id) {
  bpf_attr open{};
  open.prog_id = id;
  const base::UniqueFd program(static_cast<int>(bpf_call(BPF_PROG_GET_FD_BY_ID, open)));
  if (!program.valid()) return "";
  bpf_prog_info info{};
  bpf_attr ask{};
  ask.info.bpf_fd = static_cast<uint32_t>(program.get());
  ask.info.info_len = sizeof(info);
  ask.info.info = reinterpret_cast<uint64_t>(&info);
  if (bpf_call(BPF_OBJ_GET_INFO_BY_FD, ask) != 0) return "";
  return {info.name, strnlen(info.name, sizeof(info.name))};
}

}  // namespace

absl::StatusOr<std::vector<ConnectProgram>> connect_programs(const std::string& cgroup) {
  const base::UniqueFd folder(::open(cgroup.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder.valid()) return base::errno_status(cgroup);
  std::array<uint32_t, kMostPrograms> ids{};
  bpf_attr query{};
  query.query.target_fd = static_cast<uint32_t>(folder.get());
  query.query.attach_type = BPF_CGROUP_INET4_CONNECT;
  query.query.query_flags = BPF_F_QUERY_EFFECTIVE;
  query.query.prog_ids = reinterpret_cast<uint64_t>(ids.data());
  query.query.prog_cnt = ids.size();
  if (bpf_call(BPF_PROG_QUERY, query) != 0) {
    return base::errno_status("the kernel's list of programs at connect");
  }
  std::vector<ConnectProgram> programs;
  for (size_t i = 0; i < query.query.prog_cnt && i < ids.size(); ++i) {
    programs.push_back({.id = ids.at(i), .name = name_of(ids.at(i))});
  }
  return programs;
}

}  // namespace vicinity::ctl
