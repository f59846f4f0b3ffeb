#include "support/uring_connect.h"

#include <linux/io_uring.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>

#include "base/unique_fd.h"

namespace vicinity::testing {
namespace {

class Mapping {
 public:
  Mapping(int fd, std::size_t size, off_t offset)
      : size_(size),
        at_(mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, offset)) {}
  ~Mapping() {
    if (valid()) munmap(at_, size_);
  }
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;

  [[nodiscard]] bool valid() const { return at_ != MAP_FAILED; }
  template <class T>
  [[nodiscard]] T* at(std::uint32_t offset) const {
    return reinterpret_cast<T*>(static_cast<char*>(at_) + offset);  // NOLINT: the ring's layout
  }

 private:
  std::size_t size_;
  void* at_;
};

}  // namespace

int uring_connect(int fd, const SocketAddress& to) {
  io_uring_params params{};
  const base::UniqueFd ring(static_cast<int>(syscall(SYS_io_uring_setup, 1, &params)));
  if (!ring.valid()) return errno;
  const Mapping submissions(ring.get(), params.sq_off.array + sizeof(std::uint32_t),
                            IORING_OFF_SQ_RING);
  const Mapping completions(ring.get(), params.cq_off.cqes + 2 * sizeof(io_uring_cqe),
                            IORING_OFF_CQ_RING);
  const Mapping entries(ring.get(), sizeof(io_uring_sqe), IORING_OFF_SQES);
  if (!submissions.valid() || !completions.valid() || !entries.valid()) return ENOMEM;
  auto& entry = *entries.at<io_uring_sqe>(0);
  entry = {};
  entry.opcode = IORING_OP_CONNECT;
  entry.fd = fd;
  entry.addr = reinterpret_cast<std::uintptr_t>(to.get());  // NOLINT: io_uring's own interface
  entry.off = to.length;
  *submissions.at<std::uint32_t>(params.sq_off.array) = 0;
  std::atomic_ref tail(*submissions.at<std::uint32_t>(params.sq_off.tail));
  tail.fetch_add(1, std::memory_order_release);
  if (syscall(SYS_io_uring_enter, ring.get(), 1, 1, IORING_ENTER_GETEVENTS, nullptr, 0) < 0) {
    return errno;
  }
  return -completions.at<io_uring_cqe>(params.cq_off.cqes)->res;
}

}  // namespace vicinity::testing
