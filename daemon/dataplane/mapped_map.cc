#include "dataplane/mapped_map.h"

#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>

#include "base/status.h"

namespace vicinity::dataplane {
namespace {

constexpr size_t round_up(size_t value, size_t unit) { return (value + unit - 1) / unit * unit; }

}  // namespace

absl::StatusOr<MappedMap> MappedMap::map(int fd, Access access) {
  bpf_map_info info = {};
  uint32_t info_size = sizeof(info);
  if (bpf_obj_get_info_by_fd(fd, &info, &info_size) != 0) return base::errno_status("map info");
  MappedMap mapped;
  mapped.size_ = round_up(info.value_size, 8) * info.max_entries;
  mapped.bytes_ = round_up(mapped.size_, static_cast<size_t>(sysconf(_SC_PAGESIZE)));
  const int protection = access == Access::kReadWrite ? PROT_READ | PROT_WRITE : PROT_READ;
  void* data = ::mmap(nullptr, mapped.bytes_, protection, MAP_SHARED, fd, 0);
  if (data == MAP_FAILED) {
    return base::errno_status(fmt::format("map {}: mmap {} bytes", info.name, mapped.bytes_));
  }
  mapped.data_ = data;
  return mapped;
}

MappedMap& MappedMap::operator=(MappedMap&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(bytes_, other.bytes_);
  std::swap(size_, other.size_);
  return *this;
}

MappedMap::~MappedMap() {
  if (data_ != nullptr) ::munmap(data_, bytes_);
}

}  // namespace vicinity::dataplane
