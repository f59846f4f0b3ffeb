#include "bench/hooks.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <array>
#include <cstddef>
#include <span>
#include <utility>

#include "base/status.h"

namespace vicinity::bench {

// Embedded by the build: empty.bpf.o.
std::span<const std::byte> empty_object();

namespace {

constexpr uint32_t kMaxPrograms = 8;
constexpr auto kSocketHooks = std::to_array<bpf_attach_type>(
    {BPF_CGROUP_INET4_CONNECT, BPF_CGROUP_INET6_CONNECT, BPF_CGROUP_UDP4_SENDMSG,
     BPF_CGROUP_UDP6_SENDMSG, BPF_CGROUP_UDP4_RECVMSG, BPF_CGROUP_UDP6_RECVMSG,
     BPF_CGROUP_INET4_GETPEERNAME, BPF_CGROUP_INET6_GETPEERNAME, BPF_CGROUP_INET_SOCK_RELEASE,
     BPF_CGROUP_SOCK_OPS});

absl::StatusOr<HookRuns> runs_of(uint32_t program) {
  const base::UniqueFd fd(bpf_prog_get_fd_by_id(program));
  if (!fd.valid()) return base::errno_status(fmt::format("program {}: open", program));
  return runs_of_program(fd.get());
}

}  // namespace

absl::StatusOr<RunTimeStats> RunTimeStats::enable() {
  base::UniqueFd fd(bpf_enable_stats(BPF_STATS_RUN_TIME));
  if (!fd.valid()) return base::errno_status("BPF run time statistics: enable");
  return RunTimeStats(std::move(fd));
}

absl::StatusOr<HookRuns> runs_of_program(int fd) {
  bpf_prog_info info{};
  uint32_t length = sizeof(info);
  if (bpf_obj_get_info_by_fd(fd, &info, &length) != 0) {
    return base::errno_status("program: read its statistics");
  }
  return HookRuns{.time_ns = info.run_time_ns, .count = info.run_cnt};
}

absl::StatusOr<HookRuns> hook_runs(const testing::Cgroup& cgroup, bpf_attach_type hook) {
  std::array<uint32_t, kMaxPrograms> ids{};
  uint32_t flags = 0;
  uint32_t count = kMaxPrograms;
  if (bpf_prog_query(cgroup.fd(), hook, 0, &flags, ids.data(), &count) != 0) {
    return base::errno_status(fmt::format("cgroup {}: list its programs", cgroup.path()));
  }
  HookRuns sum;
  for (const uint32_t id : std::span(ids).first(count)) {
    VIC_ASSIGN_OR_RETURN(const HookRuns runs, runs_of(id));
    sum.time_ns += runs.time_ns;
    sum.count += runs.count;
  }
  return sum;
}

absl::StatusOr<HookRuns> all_hook_runs(const testing::Cgroup& cgroup) {
  HookRuns sum;
  for (const bpf_attach_type hook : kSocketHooks) {
    VIC_ASSIGN_OR_RETURN(const HookRuns runs, hook_runs(cgroup, hook));
    sum.time_ns += runs.time_ns;
    sum.count += runs.count;
  }
  return sum;
}

void EmptyHooks::Close::operator()(bpf_object* object) const { bpf_object__close(object); }
void EmptyHooks::Close::operator()(bpf_link* link) const { bpf_link__destroy(link); }

absl::StatusOr<EmptyHooks::Owned<bpf_link>> EmptyHooks::attach_one(const char* program,
                                                                   int cgroup_fd) {
  const bpf_program* found = bpf_object__find_program_by_name(object_.get(), program);
  Owned<bpf_link> link(bpf_program__attach_cgroup(found, cgroup_fd));
  if (link == nullptr) return base::errno_status(fmt::format("program {}: attach", program));
  return link;
}

absl::StatusOr<EmptyHooks> EmptyHooks::attach(const testing::Cgroup& cgroup) {
  const std::span<const std::byte> bytes = empty_object();
  EmptyHooks hooks;
  hooks.object_.reset(bpf_object__open_mem(bytes.data(), bytes.size(), nullptr));
  if (hooks.object_ == nullptr || bpf_object__load(hooks.object_.get()) != 0) {
    return base::errno_status("empty programs: load");
  }
  for (const char* program :
       {"empty_connect4", "empty_connect6", "empty_sendmsg4", "empty_sendmsg6"}) {
    VIC_ASSIGN_OR_RETURN(Owned<bpf_link> link, hooks.attach_one(program, cgroup.fd()));
    hooks.links_.push_back(std::move(link));
  }
  return hooks;
}

}  // namespace vicinity::bench
