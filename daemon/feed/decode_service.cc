#include <algorithm>
#include <optional>
#include <string>

#include "feed/decode_fields.h"

namespace vicinity::feed {
namespace {

namespace wds = istio::workload;

// The resource name is the key. Both halves are checked first: with a slash in either of them, two
// services could share a key.
model::SymbolId decode_key(const wds::Service& from, std::string_view name, Fields& fields) {
  const std::string& name_space = from.namespace_();
  const std::string& hostname = from.hostname();
  if (name_space.empty()) fields.reject({"service.namespace"}, "missing");
  if (hostname.empty()) fields.reject({"service.hostname"}, "missing");
  if (name_space.find('/') != std::string::npos)
    fields.reject({"service.namespace"}, "has a slash");
  if (hostname.find('/') != std::string::npos) fields.reject({"service.hostname"}, "has a slash");
  fields.check_text(name_space, {"service.namespace"}, Fields::kMaxNamespace);
  fields.check_text(hostname, {"service.hostname"}, Fields::kMaxHostname);
  const bool same = name.size() == name_space.size() + 1 + hostname.size() &&
                    name.starts_with(name_space) && name[name_space.size()] == '/' &&
                    name.ends_with(hostname);
  if (!same) {
    fields.reject({"service"}, "the resource is named \"{}\", not \"{}/{}\"", name, name_space,
                  hostname);
  }
  // Nothing of a refused service is interned for good but what its parts share with others.
  return fields.ok() ? fields.symbols().intern(name) : model::SymbolId{};
}

// Bits 96 and up of a v4-mapped address are the IPv4 address's own.
std::optional<uint8_t> prefix_length(const wds::NetworkAddress& from, const model::IpAddress& ip) {
  const uint32_t bits = model::family_bits(ip.family);
  if (!from.has_length()) return static_cast<uint8_t>(bits);
  const uint32_t mapped = static_cast<uint32_t>(from.address().size()) * 8 - bits;
  if (from.length() < mapped || from.length() > mapped + bits) return std::nullopt;
  return static_cast<uint8_t>(from.length() - mapped);
}

void decode_addresses(const wds::Service& from, model::Service& service, Fields& fields) {
  service.addresses.reserve(from.addresses_size());
  for (int i = 0; i < from.addresses_size(); ++i) {
    const wds::NetworkAddress& address = from.addresses(i);
    const auto path = [i](std::string_view field) {
      return FieldPath{.head = "service.addresses", .tail = field, .index = i};
    };
    const auto ip = fields.ip(address.address(), path(".address"));
    const auto network = fields.symbol(address.network(), path(".network"));
    if (!ip) continue;
    const auto length = prefix_length(address, *ip);
    if (!length) {
      fields.reject(path(".length"), "{} bits are too many or too few for {}", address.length(),
                    ip->to_string());
      continue;
    }
    service.addresses.push_back({.network = network, .ip = *ip, .length = *length});
  }
  std::sort(service.addresses.begin(), service.addresses.end());
  const auto end = std::unique(service.addresses.begin(), service.addresses.end());
  service.addresses.erase(end, service.addresses.end());
}

// A scope this program does not know must not be skipped: the rest of the list would then mean
// something else (the same rule as ztunnel's).
void decode_preference(const wds::LoadBalancing& from, model::LoadBalancing& to, Fields& fields) {
  for (int i = 0; i < from.routing_preference_size(); ++i) {
    const auto scope = from.routing_preference(i);
    const bool known =
        scope != wds::LoadBalancing::UNSPECIFIED_SCOPE && wds::LoadBalancing::Scope_IsValid(scope);
    if (!known) {
      fields.reject({.head = "service.loadBalancing.routingPreference", .index = i},
                    "unknown value {}", static_cast<int>(scope));
      continue;
    }
    to.preference.push_back(static_cast<model::Scope>(scope));
  }
}

model::LoadBalancing decode_load_balancing(const wds::LoadBalancing& from, Fields& fields) {
  model::LoadBalancing to;
  to.mode = fields.enum_value<model::RoutingMode>(
      from.mode(), wds::LoadBalancing::Mode_IsValid(from.mode()), {"service.loadBalancing.mode"});
  to.health_policy = fields.enum_value<model::HealthPolicy>(
      from.health_policy(), wds::LoadBalancing::HealthPolicy_IsValid(from.health_policy()),
      {"service.loadBalancing.healthPolicy"});
  decode_preference(from, to, fields);
  return to;
}

// The model's enums keep the wire's numbers.
static_assert(static_cast<int>(model::Scope::kRegion) == wds::LoadBalancing::REGION);
static_assert(static_cast<int>(model::Scope::kZone) == wds::LoadBalancing::ZONE);
static_assert(static_cast<int>(model::Scope::kSubzone) == wds::LoadBalancing::SUBZONE);
static_assert(static_cast<int>(model::Scope::kNode) == wds::LoadBalancing::NODE);
static_assert(static_cast<int>(model::Scope::kCluster) == wds::LoadBalancing::CLUSTER);
static_assert(static_cast<int>(model::Scope::kNetwork) == wds::LoadBalancing::NETWORK);
static_assert(static_cast<int>(model::RoutingMode::kStrict) == wds::LoadBalancing::STRICT);
static_assert(static_cast<int>(model::RoutingMode::kFailover) == wds::LoadBalancing::FAILOVER);
static_assert(static_cast<int>(model::RoutingMode::kPassthrough) ==
              wds::LoadBalancing::PASSTHROUGH);
static_assert(static_cast<int>(model::HealthPolicy::kAllowAll) == wds::LoadBalancing::ALLOW_ALL);
static_assert(static_cast<int>(model::Visibility::kNamespace) == wds::NAMESPACE);
static_assert(static_cast<int>(model::IpFamilies::kIpv4Only) == wds::IPV4_ONLY);
static_assert(static_cast<int>(model::IpFamilies::kIpv6Only) == wds::IPV6_ONLY);
static_assert(static_cast<int>(model::IpFamilies::kDual) == wds::DUAL);

}  // namespace

model::Service decode_service(const wds::Service& from, std::string_view name, Fields& fields) {
  model::Service service;
  service.key = decode_key(from, name, fields);
  if (fields.ok()) {
    service.name_space = fields.symbols().intern(from.namespace_());
    service.hostname = fields.symbols().intern(from.hostname());
  }
  service.name = fields.symbol(from.name(), {"service.name"});
  decode_addresses(from, service, fields);
  service.ports = fields.ports(from.ports(), {"service.ports"});
  if (from.has_load_balancing()) {
    service.load_balancing = decode_load_balancing(from.load_balancing(), fields);
  }
  service.ip_families = fields.enum_value<model::IpFamilies>(
      from.ip_families(), wds::IPFamilies_IsValid(from.ip_families()), {"service.ipFamilies"});
  service.visibility = fields.enum_value<model::Visibility>(
      from.visibility(), wds::Visibility_IsValid(from.visibility()), {"service.visibility"});
  service.canonical = from.canonical();
  service.has_waypoint = from.has_waypoint();
  return service;
}

}  // namespace vicinity::feed
