#include "e2e/bpf_objects.h"

#include <bpf/bpf.h>
#include <fmt/format.h>
#include <linux/bpf.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <string_view>

#include "base/unique_fd.h"
#include "support/wait.h"

namespace vicinity::testing {
namespace {

namespace fs = std::filesystem;

// Calls `visit(fd)` for every object of a kind.
template <class Visit>
void for_each(int (*next)(uint32_t, uint32_t*), int (*open)(uint32_t), Visit visit) {
  for (uint32_t id = 0; next(id, &id) == 0;) {
    const base::UniqueFd fd(open(id));
    if (fd.valid()) visit(fd.get());
  }
}

template <class Info>
Info info_of(int fd) {
  Info info = {};
  uint32_t size = sizeof(info);
  bpf_obj_get_info_by_fd(fd, &info, &size);
  return info;
}

bool is_ours(const char* name) { return std::string_view(name).starts_with("vic"); }

uint64_t count_entries(const fs::path& folder) {
  uint64_t count = 0;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    ++count;
  }
  return count;
}

}  // namespace

BpfObjects bpf_objects() {
  BpfObjects objects;
  std::set<uint32_t> programs;
  for_each(bpf_map_get_next_id, bpf_map_get_fd_by_id,
           [&](int fd) { objects.maps += is_ours(info_of<bpf_map_info>(fd).name) ? 1 : 0; });
  for_each(bpf_prog_get_next_id, bpf_prog_get_fd_by_id, [&](int fd) {
    const auto info = info_of<bpf_prog_info>(fd);
    if (is_ours(info.name)) programs.insert(info.id);
  });
  for_each(bpf_link_get_next_id, bpf_link_get_fd_by_id, [&](int fd) {
    objects.links += programs.contains(info_of<bpf_link_info>(fd).prog_id) ? 1 : 0;
  });
  objects.programs = static_cast<uint32_t>(programs.size());
  return objects;
}

BpfObjects settled_bpf_objects() {
  constexpr int64_t kQuietNs = 1'000'000'000;
  BpfObjects seen = bpf_objects();
  int64_t since_ns = monotonic_ns();
  [[maybe_unused]] const bool settled = wait_until(
      [&] {
        const BpfObjects now = bpf_objects();
        if (now != seen) since_ns = monotonic_ns();
        seen = now;
        return monotonic_ns() - since_ns > kQuietNs;
      },
      std::chrono::seconds(20));
  return seen;
}

uint64_t count_pins(const std::string& folder) {
  uint64_t count = 0;
  std::error_code error;
  fs::recursive_directory_iterator it(folder, error);
  for (const fs::recursive_directory_iterator end; !error && it != end; it.increment(error)) {
    ++count;
  }
  return count;
}

uint64_t count_descriptors(int pid) { return count_entries(fmt::format("/proc/{}/fd", pid)); }

uint64_t anonymous_kib(int pid) {
  std::ifstream status(fmt::format("/proc/{}/status", pid));
  for (std::string key; status >> key;) {
    uint64_t kib = 0;
    if (key == "RssAnon:" && status >> kib) return kib;
  }
  return 0;
}

}  // namespace vicinity::testing
