#include "model/nearness.h"

#include <utility>

namespace vicinity::model {
namespace {

// What must be equal, and known, for the level.
SymbolId name_at(const Place& place, Nearness level) {
  switch (level) {
    case Nearness::kNode:
      return place.node;
    case Nearness::kSubzone:
      return place.subzone;
    case Nearness::kZone:
      return place.zone;
    default:
      return place.region;
  }
}

bool shares(const Place& self, const Place& other, Nearness level, const Symbols& symbols) {
  return has_level(self, level, symbols) && name_at(self, level) == name_at(other, level);
}

}  // namespace

std::string_view nearness_name(Nearness nearness) {
  static constexpr std::array<std::string_view, kNearnesses.size()> kNames{
      "node", "subzone", "zone", "region", "elsewhere"};
  return kNames[static_cast<size_t>(nearness)];
}

Nearness nearness(const Place& self, const Place& other, const Symbols& symbols) {
  if (self.cluster == other.cluster && shares(self, other, Nearness::kNode, symbols)) {
    return Nearness::kNode;
  }
  if (!shares(self, other, Nearness::kRegion, symbols)) return Nearness::kElsewhere;
  if (!shares(self, other, Nearness::kZone, symbols)) return Nearness::kRegion;
  return shares(self, other, Nearness::kSubzone, symbols) ? Nearness::kSubzone : Nearness::kZone;
}

bool has_level(const Place& self, Nearness level, const Symbols& symbols) {
  return level == Nearness::kElsewhere || !symbols.name(name_at(self, level)).empty();
}

}  // namespace vicinity::model
