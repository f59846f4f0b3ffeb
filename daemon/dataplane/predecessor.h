// Tables of another ABI version whose programs serve a cgroup until ours are complete
// (docs/decisions/010-abi-move.md). Of another version's maps this knows only the line that all
// versions have in common: the beginning of vic_config. Control thread.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "dataplane/mapped_map.h"
#include "dataplane/pins.h"

namespace vicinity::dataplane {

// What a living daemon says of itself in the line that every connect reads.
struct Life {
  uint64_t lease_until = 0;  // CLOCK_MONOTONIC ns; 0 = no lease
  uint64_t self_until = 0;
  uint32_t self_tgid = 0;
};

class Predecessor {
 public:
  // Other versions in the pin directory that have a program of their own attached to this cgroup.
  [[nodiscard]] static Predecessor find(const Pins& pins, std::string_view cgroup);

  [[nodiscard]] bool serves() const { return version_ != 0; }
  [[nodiscard]] uint32_t version() const { return version_; }  // the newest; 0: none
  // Keeps its tables alive, and our own sockets out of them.
  void renew(const Life& life) const;

 private:
  struct ConfigLines {
    MappedMap memory;
    size_t stride = 0;  // bytes from one family's line to the next
  };
  void keep_alive(const VersionPin& version);

  uint32_t version_ = 0;
  std::vector<ConfigLines> lines_;
};

}  // namespace vicinity::dataplane
