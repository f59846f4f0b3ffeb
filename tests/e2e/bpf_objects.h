// What of ours is in the kernel, whoever holds it: for tests that nothing leaks. Another test that
// runs at the same time counts too.
#pragma once

#include <cstdint>
#include <ostream>
#include <string>

namespace vicinity::testing {

struct BpfObjects {
  uint32_t maps = 0;      // named vic...
  uint32_t programs = 0;  // named vic_...
  uint32_t links = 0;     // of those programs
  bool operator==(const BpfObjects&) const = default;
};
inline std::ostream& operator<<(std::ostream& out, const BpfObjects& objects) {
  return out << objects.maps << " maps, " << objects.programs << " programs, " << objects.links
             << " links";
}

[[nodiscard]] BpfObjects bpf_objects();
// Once they have stayed the same for a while: the kernel frees in the background, also what a test
// before this one had.
[[nodiscard]] BpfObjects settled_bpf_objects();
// Files and directories below, the folder itself not counted.
[[nodiscard]] uint64_t count_pins(const std::string& folder);
// Descriptors of a process; of a daemon: sockets, maps, links.
[[nodiscard]] uint64_t count_descriptors(int pid);
// Resident memory that is not shared with files, in KiB: tables are mapped files.
[[nodiscard]] uint64_t anonymous_kib(int pid);

}  // namespace vicinity::testing
