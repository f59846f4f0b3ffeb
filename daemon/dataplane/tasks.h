// Which processes are in which network namespaces, as far as this process can see them. One thread
// at a time.
#pragma once

#include <absl/status/statusor.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <span>

#include "base/unique_fd.h"

struct bpf_object;

namespace vicinity::dataplane {

// The bytes of bpf/pods.bpf.c's object, linked into the program.
[[nodiscard]] std::span<const std::byte> pods_object_bytes();

class Tasks {
 public:
  // Error: the kernel has no BTF, or CAP_BPF or CAP_PERFMON is missing.
  [[nodiscard]] static absl::StatusOr<Tasks> load();
  // What keep() left in this directory of a BPF file system, if it is of the same program; else
  // load().
  [[nodiscard]] static absl::StatusOr<Tasks> open(const std::filesystem::path& directory);

  // Pins it for the next process, in the place of any other; nothing when it was found there.
  absl::Status keep(const std::filesystem::path& directory) const;
  [[nodiscard]] bool was_loaded() const { return object_ != nullptr; }

  // The lowest process number of each network namespace, by the namespace's cookie. Numbers are
  // those of /proc in this process's pid namespace; without the host's only its own are seen.
  [[nodiscard]] absl::StatusOr<std::map<uint64_t, uint32_t>> by_namespace() const;

 private:
  struct Close {
    void operator()(bpf_object* object) const;
  };
  std::unique_ptr<bpf_object, Close> object_;  // nullptr: of an earlier process
  base::UniqueFd link_;
};

}  // namespace vicinity::dataplane
