#include "dataplane/tasks.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <unistd.h>
#include <vicinity/abi.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>
#include <string_view>
#include <utility>

#include "base/status.h"
#include "compile/hash_hosts.h"
#include "dataplane/pins.h"

namespace vicinity::dataplane {
namespace {

namespace fs = std::filesystem;

constexpr size_t kRecordsPerRead = 256;
constexpr std::string_view kPinPrefix = "tasks-";

// Of the program's bytes.
std::string pin_name() {
  const std::span<const std::byte> bytes = pods_object_bytes();
  return fmt::format(
      "{}{:016x}", kPinPrefix,
      compile::envoy_hash({reinterpret_cast<const char*>(bytes.data()), bytes.size()}));
}

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

absl::StatusOr<Tasks> Tasks::open(const fs::path& directory) {
  Tasks tasks;
  tasks.link_.reset(bpf_obj_get((directory / pin_name()).c_str()));
  const base::UniqueFd works(tasks.link_.valid() ? bpf_iter_create(tasks.link_.get()) : -1);
  if (works.valid()) return tasks;
  return load();
}

absl::Status Tasks::keep(const fs::path& directory) const {
  if (!was_loaded()) return absl::OkStatus();
  VIC_RETURN_IF_ERROR(Pins::remove_in(directory, kPinPrefix));
  const fs::path path = directory / pin_name();
  if (bpf_obj_pin(link_.get(), path.c_str()) == 0) return absl::OkStatus();
  return base::errno_status(fmt::format("pin {}", path.string()));
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
