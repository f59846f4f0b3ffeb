// The BPF object in the kernel: its programs and maps, made or taken over. Closing it leaves alone
// what is pinned or attached. Control thread.
#pragma once

#include <absl/status/statusor.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/unique_fd.h"

struct bpf_object;

namespace vicinity::dataplane {

// The bytes of bpf/vicinity.bpf.c's object, linked into the program.
[[nodiscard]] std::span<const std::byte> bpf_object_bytes();

// What the maps of a generation have room for.
struct Sizes {
  struct Family {
    uint32_t plain_slots = 1;
    uint32_t aliased_slots = 1;
    uint32_t buckets = 1;  // of the largest frontend table; a power of two
    bool operator==(const Family&) const = default;
  };
  uint32_t records = 2;
  uint32_t choice_lines = 2;
  uint32_t affinities = 1;
  uint32_t watched = 1;  // 1: nothing is watched, and the programs do not look
  std::array<Family, 2> families;
  bool operator==(const Sizes&) const = default;
};

// What the hooks remember of connections, and show of them.
struct RecordPlan {
  bool tcp = false;         // TCP connections have an origin record
  bool mptcp = false;       // and the kernel can tell an MPTCP subflow's socket
  uint32_t peer_names = 0;  // enum vic_peer_names of bpf/maps.h: 1 UDP, 2 TCP
  bool destroy = false;     // load the iterators that close sockets, where the kernel has them
};
// Whether this kernel has what RecordPlan::mptcp and RecordPlan::destroy need.
[[nodiscard]] bool kernel_tells_mptcp();
[[nodiscard]] bool kernel_destroys_sockets();

struct LoadPlan {
  Sizes sizes;                       // of maps that are made
  std::map<std::string, int> reuse;  // descriptors of maps that are taken over, by name
  uint32_t shards = 1;               // of the counters; a power of two
  bool counting = true;
  uint16_t probe_port = 0;
  uint64_t host_netns = 0;  // cookie of a network namespace to leave alone; 0: none
  RecordPlan records;
};

// A frozen option of bpf/maps.h, of 32 or 64 bits.
struct FrozenOption {
  std::string_view name;
  uint64_t value = 0;
};
[[nodiscard]] std::array<FrozenOption, 9> frozen_options(const LoadPlan& plan);

class Object {
 public:
  [[nodiscard]] static absl::StatusOr<Object> load(const LoadPlan& plan);
  // Nothing is verified anew when the very programs that the plan asks for, from the same bytes,
  // are pinned beside the maps of this generation. Otherwise they are loaded, and pinned there in
  // place of what is. REQUIRES: the plan takes over the generation's maps.
  [[nodiscard]] static absl::StatusOr<Object> open(const std::filesystem::path& generation,
                                                   const LoadPlan& plan);
  // For the next open() with this plan; what cannot be pinned is loaded again then.
  void pin(const std::filesystem::path& generation, const LoadPlan& plan) const;

  // Negative: there is no such map, or the program is not loaded.
  [[nodiscard]] int map_fd(std::string_view name) const;
  [[nodiscard]] int program_fd(std::string_view name) const;
  // The names of the vic_ maps, which are what a generation pins.
  [[nodiscard]] static const std::vector<std::string>& map_names();
  // Those of them that every generation has in common.
  [[nodiscard]] static const std::vector<std::string>& shared_map_names();

 private:
  using Descriptors = std::map<std::string, base::UniqueFd, std::less<>>;

  [[nodiscard]] bool open_pinned(const std::filesystem::path& directory);
  [[nodiscard]] absl::Status pin_in(const std::filesystem::path& directory) const;
  [[nodiscard]] absl::Status keep(const bpf_object* object);

  Descriptors maps_;
  Descriptors programs_;
};

}  // namespace vicinity::dataplane
