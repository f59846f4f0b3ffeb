#include "bench/feed/wire_watch.h"

#include <bpf/libbpf.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <span>

#include "base/status.h"
#include "dataplane/memory.h"

namespace vicinity::bench {

// Embedded by the build: wire.bpf.o.
std::span<const std::byte> wire_object();

namespace {

size_t mapped_bytes() { return static_cast<size_t>(sysconf(_SC_PAGESIZE)); }

}  // namespace

void WireWatch::Close::operator()(bpf_object* object) const { bpf_object__close(object); }
void WireWatch::Close::operator()(bpf_link* link) const { bpf_link__destroy(link); }
void WireWatch::Close::operator()(WireTimes* times) const { munmap(times, mapped_bytes()); }

absl::StatusOr<WireWatch> WireWatch::attach(const testing::Cgroup& cgroup) {
  const std::span<const std::byte> bytes = wire_object();
  WireWatch watch;
  watch.object_.reset(bpf_object__open_mem(bytes.data(), bytes.size(), nullptr));
  if (watch.object_ == nullptr || bpf_object__load(watch.object_.get()) != 0) {
    return base::errno_status("programs that see packets: load");
  }
  bpf_program* program = nullptr;
  bpf_object__for_each_program(program, watch.object_.get()) {
    watch.links_.emplace_back(bpf_program__attach_cgroup(program, cgroup.fd()));
    if (watch.links_.back() == nullptr) return base::errno_status("program: attach");
  }
  const int map = bpf_object__find_map_fd_by_name(watch.object_.get(), "wire_times");
  void* memory = mmap(nullptr, mapped_bytes(), PROT_READ | PROT_WRITE, MAP_SHARED, map, 0);
  if (memory == MAP_FAILED) return base::errno_status("times of packets: map");
  watch.times_.reset(static_cast<WireTimes*>(memory));
  return watch;
}

// The time of the answer waits for the one of the message.
void WireWatch::begin() {
  dataplane::publish(times_->left, uint64_t{0});
  dataplane::publish(times_->arrived, uint64_t{0});
}

int64_t WireWatch::arrived() const {
  return static_cast<int64_t>(dataplane::observe(times_->arrived));
}
int64_t WireWatch::left() const { return static_cast<int64_t>(dataplane::observe(times_->left)); }

}  // namespace vicinity::bench
