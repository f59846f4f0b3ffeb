#include "dataplane/tasks.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <unistd.h>
#include <vicinity/abi.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "base/status.h"

namespace vicinity::dataplane {
namespace {

constexpr size_t kRecordsPerRead = 256;

int quiet(libbpf_print_level /*level*/, const char* /*format*/, va_list /*arguments*/) { return 0; }

}  // namespace

void Tasks::Close::operator()(bpf_object* object) const { bpf_object__close(object); }

absl::StatusOr<Tasks> Tasks::load() {
  // A node without it works, and says so: libbpf's lines would look like a failure.
  const libbpf_print_fn_t loud = libbpf_set_print(quiet);
  const std::span<const std::byte> bytes = pods_object_bytes();
  Tasks tasks;
  tasks.object_.reset(bpf_object__open_mem(bytes.data(), bytes.size(), nullptr));
  const int error = tasks.object_ == nullptr ? -errno : bpf_object__load(tasks.object_.get());
  libbpf_set_print(loud);
  if (error != 0) {
    return base::errno_status("task iterator: load (needs kernel BTF, CAP_BPF and CAP_PERFMON)",
                              -error);
  }
  const int program =
      bpf_program__fd(bpf_object__find_program_by_name(tasks.object_.get(), "vic_tasks"));
  tasks.link_.reset(bpf_link_create(program, 0, BPF_TRACE_ITER, nullptr));
  if (!tasks.link_.valid()) return base::errno_status("task iterator: attach");
  return tasks;
}

absl::StatusOr<std::map<uint64_t, uint32_t>> Tasks::by_namespace() const {
  const base::UniqueFd iterator(bpf_iter_create(link_.get()));
  if (!iterator.valid()) return base::errno_status("task iterator: start");
  std::map<uint64_t, uint32_t> lowest;
  std::array<vic_task, kRecordsPerRead> records = {};
  while (true) {
    const ssize_t size = ::read(iterator.get(), records.data(), sizeof(records));
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    if (size < 0) return base::errno_status("task iterator: read");
    if (size == 0) return lowest;
    const auto count = static_cast<size_t>(size) / sizeof(vic_task);
    for (const vic_task& task : std::span(records).first(count)) {
      const auto [known, fresh] = lowest.try_emplace(task.netns_cookie, task.pid);
      if (!fresh) known->second = std::min(known->second, task.pid);
    }
  }
}

}  // namespace vicinity::dataplane
