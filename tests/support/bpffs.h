// The BPF file system for the test hosts' pins: mounted where it belongs if it is not, one
// directory per world, removed with all pins in it. Any thread.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <string>
#include <vector>

namespace vicinity::testing {

inline constexpr char kBpffs[] = "/sys/fs/bpf";

[[nodiscard]] absl::Status ensure_bpffs();
[[nodiscard]] absl::Status make_pin_dir(const std::string& path);
// Unpins everything below and removes the directory; ok when it is not there.
[[nodiscard]] absl::Status remove_pin_tree(const std::string& path);

}  // namespace vicinity::testing
