// The maps that bpf/algorithms.h reads, as plain memory, and the choices as the hooks make them.
// Include once: the header's accessors are functions of this translation unit.
#pragma once

#include <vicinity/choice.h>

#include <cstdint>
#include <random>
#include <vector>

namespace vicinity::testing {

struct ChoiceMemory {
  std::vector<vic_line> lines;
  std::vector<uint32_t> active;
  std::vector<vic_alias> aliases;
  std::mt19937 random{1};
};

inline ChoiceMemory& choice_memory() {
  static ChoiceMemory memory;
  return memory;
}

}  // namespace vicinity::testing

static inline struct vic_line* vic_line_at(__u32 line) {
  auto& lines = vicinity::testing::choice_memory().lines;
  return line < lines.size() ? &lines[line] : nullptr;
}

static inline __u32 vic_active_at(__u32 endpoint) {
  const auto& active = vicinity::testing::choice_memory().active;
  return endpoint < active.size() ? active[endpoint] : 0;
}

static inline __u32 vic_random32() {
  return static_cast<__u32>(vicinity::testing::choice_memory().random());
}

static inline const struct vic_alias* vic_alias_of(__u32 slot, enum vic_family) {
  const auto& aliases = vicinity::testing::choice_memory().aliases;
  return slot < aliases.size() ? &aliases[slot] : nullptr;
}

#include "bpf/weigh.h"

static inline __u64 vic_weigh(__u32 weight, __u32 active, __u32 bias_permille) {
  return vic_effective_weight(weight, active, bias_permille);
}

#include "bpf/algorithms.h"
