// The mapped tables of one generation as typed spans. Written by the control thread only; words
// that hooks follow (views, table words, the configuration) by release stores.
#pragma once

#include <vicinity/choice.h>
#include <vicinity/layout.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>

#include "compile/tables.h"

namespace vicinity::dataplane {

inline constexpr std::array<model::Family, 2> kFamilies = {model::Family::kIpv4,
                                                           model::Family::kIpv6};

struct Memory {
  std::span<vic_config> config;  // by family, as every array below
  std::array<std::span<__u64>, 2> frontends;
  std::array<std::span<vic_hints>, 2> hints;
  std::span<vic_slot4> slots4;
  std::span<vic_slot6> slots6;
  std::array<std::span<vic_alias>, 2> aliases;
  std::span<vic_service> services;
  std::span<vic_line> choices;
  std::span<__u64> active;
  std::span<vic_watched> watched;
  std::span<vic_context> context;
  std::span<vic_ejection> ejections;
  std::span<__u64> counters;
};

[[nodiscard]] constexpr size_t index_of(model::Family family) {
  return static_cast<size_t>(family);
}

[[nodiscard]] inline uint32_t slots_in(const Memory& memory, model::Family family) {
  return static_cast<uint32_t>(family == model::Family::kIpv4 ? memory.slots4.size()
                                                              : memory.slots6.size());
}

// Makes everything written before visible to whoever sees `value`.
template <class T>
void publish(T& word, std::type_identity_t<T> value) {
  std::atomic_ref<T>(word).store(value, std::memory_order_release);
}

template <class T>
[[nodiscard]] T observe(const T& word) {
  // atomic_ref of a const type is C++26.
  return std::atomic_ref<T>(const_cast<T&>(word)).load(std::memory_order_acquire);
}

}  // namespace vicinity::dataplane
