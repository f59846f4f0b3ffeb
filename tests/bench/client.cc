#include "bench/client.h"

#include <sched.h>
#include <sys/socket.h>

#include <algorithm>
#include <span>
#include <utility>

#include "base/status.h"
#include "bench/messages.h"

namespace vicinity::bench {

uint32_t usable_cpus() {
  cpu_set_t mask;
  CPU_ZERO(&mask);
  if (sched_getaffinity(0, sizeof(mask), &mask) != 0) return 1;
  return static_cast<uint32_t>(std::max(1, CPU_COUNT(&mask)));
}

absl::StatusOr<Client> Client::start(const testing::Netns& netns, const testing::Cgroup& cgroup) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    return base::errno_status("client: socketpair");
  }
  base::UniqueFd ours(ends[0]);
  const base::UniqueFd theirs(ends[1]);
  VIC_ASSIGN_OR_RETURN(testing::Process process,
                       testing::Process::spawn({.argv = {"/proc/self/exe", "client"},
                                                .netns = &netns,
                                                .cgroup = &cgroup,
                                                .output = testing::Output::kInherit,
                                                .extra_fds = {theirs.get()}}));
  return Client(std::move(process), std::move(ours));
}

absl::StatusOr<BatchResult> Client::run(const Batch& batch) {
  Reply reply;
  if (!write_all(socket_.get(), bytes_of(batch)) ||
      !read_all(socket_.get(), std::as_writable_bytes(std::span(&reply, 1)))) {
    return base::internal("client: run a batch: it has ended");
  }
  BatchResult result{.elapsed_ns = reply.elapsed_ns, .latencies_ns = {}};
  result.latencies_ns.resize(reply.latencies);
  if (!read_all(socket_.get(), std::as_writable_bytes(std::span(result.latencies_ns)))) {
    return base::internal("client: read latencies: it has ended");
  }
  if (reply.error != 0) {
    return base::errno_status(
        fmt::format("client: connect {} of {}", reply.latencies, batch.connects), reply.error);
  }
  return result;
}

}  // namespace vicinity::bench
