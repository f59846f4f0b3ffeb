#include "model/place.h"

#include <fmt/format.h>

namespace vicinity::model {

std::string locality_text(const Place& place, const Symbols& symbols) {
  std::string text = fmt::format("{}/{}/{}", symbols.name(place.region), symbols.name(place.zone),
                                 symbols.name(place.subzone));
  while (text.ends_with('/')) text.pop_back();
  return text;
}

std::string place_text(const Place& place, const Symbols& symbols) {
  return fmt::format("network={} cluster={} locality={} node={}", symbols.name(place.network),
                     symbols.name(place.cluster), locality_text(place, symbols),
                     symbols.name(place.node));
}

}  // namespace vicinity::model
