// Where this node's connects went: the kernel counts by service and tier, and a tier's endpoints
// are in known places. What was counted since the last look is shared out as the tier's table does
// it, so the numbers are exact where a tier lies in one zone, and expected values where it spans
// several. Control thread.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "compile/compile.h"
#include "dataplane/dataplane.h"
#include "model/snapshot.h"
#include "telemetry/published.h"

namespace vicinity {

// Where endpoints of a tier are, and which part of its connects goes there.
struct PlaceShare {
  std::string region;
  std::string zone;
  std::string near;  // model::nearness_name(), or "unknown"
  double share = 0;
  auto operator<=>(const PlaceShare&) const = default;
};
using PlacesByTier = std::vector<std::vector<PlaceShare>>;  // the shares of each tier sum to 1

// Of all ports and families of a service together; empty: there is no such service. Pure.
[[nodiscard]] PlacesByTier places_of(std::string_view service, const model::Snapshot& snapshot,
                                     const compile::CompileOptions& options);

// Those that had any. Pure.
[[nodiscard]] std::vector<telemetry::ServiceRefusals> refusals_in(
    const std::vector<dataplane::TierCounts>& counts);

class Traffic {
 public:
  using PlacesOf = std::function<PlacesByTier(std::string_view service)>;

  // `counts` since whenever, as the data plane has them; what it has not any more is forgotten.
  void account(const std::vector<dataplane::TierCounts>& counts, const PlacesOf& places_of);
  // Its endpoints, or their places, are others from now on.
  void forget_places(std::string_view service);

  // Sorted.
  [[nodiscard]] std::vector<telemetry::ServiceTraffic> by_service() const;
  // Also of services that are gone: never decreases.
  [[nodiscard]] std::vector<telemetry::PlaceTraffic> by_place() const;

 private:
  struct Place {
    std::string region;
    std::string zone;
    std::string near;
    auto operator<=>(const Place&) const = default;
  };
  struct Service {
    std::vector<uint64_t> counted;  // by tier, at the last look
    std::map<std::pair<uint32_t, Place>, double> connects;
    PlacesByTier places;
    bool placed = false;
    bool seen = false;
  };
  void add(Service& service, uint32_t tier, uint64_t connects);

  std::map<std::string, Service, std::less<>> services_;
  std::map<Place, double> places_;
};

}  // namespace vicinity
