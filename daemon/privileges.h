// What the daemon may do: nothing but what it has a use for later. Linux keeps capabilities by
// thread, so this comes before the first thread is made.
#pragma once

#include <absl/status/status.h>

#include <cstdint>
#include <vector>

namespace vicinity {

// Whether sockets in other network namespaces are to be found, for --terminate.
enum class EnterNamespaces { kNo, kYes };

// The capabilities (CAP_...) that balancing needs while it runs: to load the hooks again when
// tables grow, and to attach them again to a cgroup that was made anew.
[[nodiscard]] std::vector<uint32_t> needed_capabilities(EnterNamespaces enter);

// Gives up for good every capability but these, of this process and of whatever it executes: not
// effective, permitted, inheritable, ambient or in the bounding set, and no new privileges. Those
// that it does not have it does not get.
[[nodiscard]] absl::Status keep_only(const std::vector<uint32_t>& capabilities);

}  // namespace vicinity
