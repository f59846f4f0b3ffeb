// Work that another thread does meanwhile, where there is one to be had.
#pragma once

#include <functional>
#include <future>
#include <system_error>
#include <utility>

namespace vicinity::base {

// Begins `work` on a thread of its own; its end is waited for by wait() or by whoever destroys the
// future. Not valid(): the node has no thread to give, nothing was begun.
[[nodiscard]] inline std::future<void> begin_beside(std::function<void()> work) {
  try {
    return std::async(std::launch::async, std::move(work));
  } catch (const std::system_error&) {
    return {};
  }
}

}  // namespace vicinity::base
