// How near a workload is to this node, in the levels that people think in whatever a policy makes
// of them. Pure.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "model/place.h"

namespace vicinity::model {

enum class Nearness : uint8_t { kNode = 0, kSubzone, kZone, kRegion, kElsewhere };
inline constexpr std::array kNearnesses{Nearness::kNode, Nearness::kSubzone, Nearness::kZone,
                                        Nearness::kRegion, Nearness::kElsewhere};

[[nodiscard]] std::string_view nearness_name(Nearness nearness);  // "node", "elsewhere"

// The nearest level that both have in common. A name that is not known is in common with nobody,
// and a subzone is one only inside the same zone, a zone only inside the same region.
[[nodiscard]] Nearness nearness(const Place& self, const Place& other, const Symbols& symbols);

// False where `self` has no name for the level: nobody can be that near.
[[nodiscard]] bool has_level(const Place& self, Nearness level, const Symbols& symbols);

}  // namespace vicinity::model
