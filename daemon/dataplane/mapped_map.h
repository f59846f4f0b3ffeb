// One BPF array, mapped: writing to it is publishing, without a system call. The descriptor stays
// its creator's. Movable; what is written through it follows the owner's thread contract.
#pragma once

#include <absl/status/statusor.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

namespace vicinity::dataplane {

enum class Access : uint8_t { kReadWrite, kReadOnly };

class MappedMap {
 public:
  [[nodiscard]] static absl::StatusOr<MappedMap> map(int fd, Access access);

  MappedMap() = default;
  MappedMap(MappedMap&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), bytes_(other.bytes_), size_(other.size_) {}
  MappedMap& operator=(MappedMap&& other) noexcept;
  MappedMap(const MappedMap&) = delete;
  MappedMap& operator=(const MappedMap&) = delete;
  ~MappedMap();

  // The elements, each `sizeof(T)` long or several of them in one map value.
  template <class T>
  [[nodiscard]] std::span<T> as() const {
    return {static_cast<T*>(data_), size_ / sizeof(T)};
  }
  [[nodiscard]] size_t bytes() const { return bytes_; }

 private:
  void* data_ = nullptr;
  size_t bytes_ = 0;  // of the mapping: whole pages
  size_t size_ = 0;   // of the elements
};

}  // namespace vicinity::dataplane
