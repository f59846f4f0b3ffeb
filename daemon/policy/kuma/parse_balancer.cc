// loadBalancer: the algorithm, its parameters, and what it may hash.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "policy/kuma/parse.h"

namespace vicinity::policy::kuma {
namespace {

struct TypeName {
  std::string_view name;
  std::string_view field;  // with its parameters
  Algorithm algorithm;
};
constexpr std::array kTypes{TypeName{"RoundRobin", "roundRobin", Algorithm::kRoundRobin},
                            TypeName{"LeastRequest", "leastRequest", Algorithm::kLeastRequest},
                            TypeName{"RingHash", "ringHash", Algorithm::kRingHash},
                            TypeName{"Random", "random", Algorithm::kRandom},
                            TypeName{"Maglev", "maglev", Algorithm::kMaglev}};

constexpr std::array<std::string_view, 4> kHttpHashes{"Header", "Cookie", "QueryParameter",
                                                      "FilterState"};

bool is_prime(uint32_t number) {
  if (number < 2) return false;
  for (uint64_t divisor = 2; divisor * divisor <= number; ++divisor) {
    if (number % divisor == 0) return false;
  }
  return true;
}

std::optional<uint32_t> parse_size(Fields& at, std::string_view name, int64_t most) {
  const auto size = at.integer(name, 1, most);
  return size ? std::optional(static_cast<uint32_t>(*size)) : std::nullopt;
}

void check_hash_policy(Fields item) {
  const std::string type = item.text("type").value_or("");
  if (item.boolean("terminal").value_or(false)) {
    item.error("terminal",
               "chains of hash policies are not followed: only the connection's source address can "
               "be hashed; leave it out, or keep a proxy for this service");
  }
  Fields connection = item.map("connection");
  if (std::ranges::find(kHttpHashes, type) != kHttpHashes.end()) {
    item.error("type",
               fmt::format("{} cannot be hashed: HTTP is not seen at connect time; use "
                           "type Connection with sourceIP, or keep a proxy for this service",
                           type));
    for (const std::string_view field : {"header", "cookie", "queryParameter", "filterState"}) {
      item.take(field);
    }
  } else if (type != "Connection") {
    item.error("type", type.empty() ? "missing"
                                    : fmt::format("'{}' is not one of Connection, Header, Cookie, "
                                                  "QueryParameter, FilterState",
                                                  type));
  } else if (!connection.boolean("sourceIP").value_or(false)) {
    item.error("connection.sourceIP", "must be true: there is nothing else to hash");
  }
  connection.finish();
  item.finish();
}

void parse_least_request(Fields at, LoadBalancer& result) {
  if (const auto count = at.integer("choiceCount", 2, kMostChoices)) {
    result.choice_count = static_cast<uint32_t>(*count);
  }
  if (const auto bias = at.text("activeRequestBias")) {
    result.active_request_bias = parse_decimal(*bias);
    if (!result.active_request_bias || permille(*result.active_request_bias) > kMostBiasPermille) {
      at.error("activeRequestBias",
               fmt::format("'{}' is not a number from 0 to {}", *bias, kMostBiasPermille / 1000));
    }
  }
  at.finish();
}

void parse_ring(Fields at, LoadBalancer& result) {
  const std::string hash = at.text("hashFunction").value_or("XX_HASH");
  if (hash == "MURMUR_HASH_2" || hash == "MurmurHash2") {
    at.error("hashFunction", fmt::format("{} is not supported; use XX_HASH", hash));
  } else if (hash != "XX_HASH" && hash != "XXHash") {
    at.error("hashFunction", fmt::format("'{}' is not XX_HASH", hash));
  }
  result.min_ring_size = parse_size(at, "minRingSize", kMaxRingSize);
  result.max_ring_size = parse_size(at, "maxRingSize", kMaxRingSize);
  if (result.min_ring_size && result.max_ring_size &&
      *result.min_ring_size > *result.max_ring_size) {
    at.error("minRingSize", fmt::format("{} is above maxRingSize, {}", *result.min_ring_size,
                                        *result.max_ring_size));
  }
  if (const auto by_source = parse_hash_policies(at)) result.by_source = by_source;
  at.finish();
}

void parse_maglev(Fields at, LoadBalancer& result) {
  result.table_size = parse_size(at, "tableSize", int64_t{kLargestMaglev});
  if (result.table_size && !is_prime(*result.table_size)) {
    at.error("tableSize", fmt::format("{} is not a prime number", *result.table_size));
  }
  if (const auto by_source = parse_hash_policies(at)) result.by_source = by_source;
  at.finish();
}

// Reads the parameters of every type, so that each is judged; those of other types do nothing.
void parse_parameters(Fields& balancer, LoadBalancer& result) {
  if (Fields at = balancer.map("leastRequest"); at.present()) {
    parse_least_request(std::move(at), result);
  }
  if (Fields at = balancer.map("ringHash"); at.present()) parse_ring(std::move(at), result);
  if (Fields at = balancer.map("maglev"); at.present()) parse_maglev(std::move(at), result);
  balancer.map("roundRobin").finish();
  balancer.map("random").finish();
}

}  // namespace

std::optional<bool> parse_hash_policies(Fields& at) {
  if (at.node().find("hashPolicies") == nullptr) return std::nullopt;
  const auto items = at.list("hashPolicies");
  for (size_t i = 0; i < items.size(); ++i) {
    Fields item(items[i], item_path(at.path_of("hashPolicies"), i), at.diagnostics());
    if (item.present()) check_hash_policy(std::move(item));
  }
  return !items.empty();
}

LoadBalancer parse_balancer(Fields balancer) {
  LoadBalancer result;
  const std::string type = balancer.text("type").value_or("");
  const auto known = std::ranges::find(kTypes, type, &TypeName::name);
  if (known == kTypes.end()) {
    balancer.error("type", type.empty() ? "missing"
                                        : fmt::format("'{}' is not one of RoundRobin, "
                                                      "LeastRequest, RingHash, Random, Maglev",
                                                      type));
  } else {
    result.type = known->algorithm;
    for (const TypeName& other : kTypes) {
      if (other.name == type || balancer.node().find(other.field) == nullptr) continue;
      balancer.warning(other.field, fmt::format("has no effect with type {}", type));
    }
  }
  parse_parameters(balancer, result);
  balancer.finish();
  return result;
}

}  // namespace vicinity::policy::kuma
