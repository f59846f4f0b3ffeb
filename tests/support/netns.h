// A network namespace held by a file descriptor: it is gone when nobody holds or inhabits it. No
// thread of the caller ever changes its namespace; run_in starts one that does. Movable, any
// thread.
#pragma once

#include <absl/status/statusor.h>
#include <sys/types.h>

#include <functional>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/unique_fd.h"

namespace vicinity::testing {

class Netns {
 public:
  // A new namespace with nothing but a loopback that is up.
  [[nodiscard]] static absl::StatusOr<Netns> create();

  [[nodiscard]] int fd() const { return fd_.get(); }
  [[nodiscard]] ino_t inode() const { return inode_; }

 private:
  Netns(base::UniqueFd fd, ino_t inode) : fd_(std::move(fd)), inode_(inode) {}
  base::UniqueFd fd_;
  ino_t inode_ = 0;
};

// Runs `body` on a fresh thread inside `netns` and joins it. Aborts when the namespace cannot be
// entered: then the test has no world.
void run_on_thread_in(const Netns& netns, const std::function<void()>& body);

// The same with the value of `body`. Sockets made inside stay in the namespace and may be used
// from any thread afterwards.
template <class Body>
std::invoke_result_t<Body> run_in(const Netns& netns, Body body) {
  using Result = std::invoke_result_t<Body>;
  if constexpr (std::is_void_v<Result>) {
    run_on_thread_in(netns, body);
  } else {
    std::optional<Result> result;
    run_on_thread_in(netns, [&] { result.emplace(body()); });
    return std::move(*result);
  }
}

// The processes that live in one of these namespaces, ours included.
[[nodiscard]] std::vector<pid_t> inhabitants(const std::vector<ino_t>& inodes);

}  // namespace vicinity::testing
