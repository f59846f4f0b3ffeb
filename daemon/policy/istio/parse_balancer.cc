// loadBalancer: the algorithm, and what hangs on it.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/status.h"
#include "policy/istio/parse.h"
#include "policy/istio/unsupported.h"

namespace vicinity::policy::istio {
namespace {

struct SimpleName {
  std::string_view name;
  Algorithm algorithm;
};
constexpr std::array kSimple{SimpleName{"RANDOM", Algorithm::kRandom},
                             SimpleName{"ROUND_ROBIN", Algorithm::kRoundRobin},
                             SimpleName{"LEAST_REQUEST", Algorithm::kLeastRequest},
                             SimpleName{"LEAST_CONN", Algorithm::kLeastRequest}};

constexpr std::string_view kUseSourceIp =
    "cannot be hashed: HTTP is not seen at connect time; use useSourceIp, or a waypoint";
constexpr std::array kHttpHash{
    Unsupported{"httpHeaderName", Severity::kError, kUseSourceIp},
    Unsupported{"httpCookie", Severity::kError, kUseSourceIp},
    Unsupported{"httpQueryParameterName", Severity::kError, kUseSourceIp},
};

void parse_simple(Fields& balancer, LoadBalancer& result) {
  const auto name = balancer.text("simple");
  if (!name || *name == "UNSPECIFIED") return;
  if (*name == "PASSTHROUGH") {
    result.passthrough = true;
    return;
  }
  const auto known = std::ranges::find(kSimple, *name, &SimpleName::name);
  if (known == kSimple.end()) {
    balancer.error("simple", fmt::format("'{}' is not one of RANDOM, ROUND_ROBIN, LEAST_REQUEST, "
                                         "LEAST_CONN, PASSTHROUGH, UNSPECIFIED",
                                         *name));
    return;
  }
  result.algorithm = AlgorithmSpec{.kind = known->algorithm};
}

// Exactly one key, and at most one kind of table.
void parse_hash(Fields hash, LoadBalancer& result) {
  if (!hash.present()) return;
  const bool http = std::ranges::any_of(
      kHttpHash, [&](const Unsupported& one) { return hash.node().find(one.name) != nullptr; });
  hash.unsupported(kHttpHash);
  const bool by_source = hash.boolean("useSourceIp").value_or(false);
  if (!by_source && !http) hash.error("useSourceIp", "no hash key: must be true");
  AlgorithmSpec spec{.kind = Algorithm::kRingHash};
  Fields ring = hash.map("ringHash");
  const auto old_size = hash.integer("minimumRingSize", 0, kLargestRing);
  const auto ring_size = ring.integer("minimumRingSize", 0, kLargestRing);
  const int64_t size = ring_size.value_or(old_size.value_or(0));
  if (size > 0) spec.ring_min = static_cast<uint32_t>(size);
  ring.finish();
  Fields maglev = hash.map("maglev");
  if (maglev.present()) {
    spec.kind = Algorithm::kMaglev;
    const int64_t table_size = maglev.integer("tableSize", 0, kLargestMaglev).value_or(0);
    if (table_size > 0) spec.maglev_size = static_cast<uint32_t>(table_size);
    if (ring.present()) hash.error("maglev", "together with ringHash: only one of them can be");
    if (const auto status = check(spec); !status.ok()) {
      maglev.error("tableSize", std::string(base::message(status)));
    }
  }
  maglev.finish();
  hash.finish();
  result.algorithm = spec;
}

}  // namespace

LoadBalancer parse_load_balancer(Fields balancer) {
  LoadBalancer result;
  parse_simple(balancer, result);
  Fields hash = balancer.map("consistentHash");
  if (hash.present() && balancer.node().find("simple") != nullptr) {
    balancer.error("consistentHash", "together with simple: only one of them can be");
  }
  parse_hash(std::move(hash), result);
  if (Fields locality = balancer.map("localityLbSetting"); locality.present()) {
    result.locality = parse_locality_setting(std::move(locality));
  }
  if (Fields zones = balancer.map("zoneAwareLbSetting"); zones.present()) {
    result.zone_aware = parse_zone_aware(std::move(zones));
    if (result.locality) {
      balancer.error("zoneAwareLbSetting",
                     "together with localityLbSetting: only one of them can be");
    }
  }
  diagnose_warmup(balancer);
  balancer.finish();
  return result;
}

}  // namespace vicinity::policy::istio
