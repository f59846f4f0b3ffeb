// How a new connection chooses among the endpoints of its tier, and with what parameters. Part of a
// Plan; every policy source fills the same value. Defaults and ranges are Envoy's. Pure.
#pragma once

#include <absl/status/status.h>

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

namespace vicinity::policy {

enum class Algorithm : uint8_t { kRandom, kRoundRobin, kLeastRequest, kRingHash, kMaglev };

// What ring hash and Maglev hash. Without a hash policy Envoy takes a random number, which makes
// the choice random.
enum class HashInput : uint8_t { kSourceIp, kRandom };

// Fields that the algorithm does not use are ignored: see relevant().
struct AlgorithmSpec {
  Algorithm kind = Algorithm::kRandom;
  uint32_t choice_count = 2;      // least request: endpoints sampled, 2 or more
  uint32_t bias_permille = 1000;  // least request: weight / (active + 1)^bias, 0 = no effect
  uint32_t maglev_size = 65537;   // entries of a tier's table: a prime
  uint32_t ring_min = 1024;       // entries of a tier's ring
  uint32_t ring_max = 8388608;    // 8 Mi, also the most there can be
  HashInput hash_input = HashInput::kSourceIp;  // ring hash and Maglev
  // Any algorithm: a client keeps its endpoint until it has not connected for this long, as with
  // Kubernetes' sessionAffinity: ClientIP. 0 = no affinity.
  uint32_t affinity_timeout_s = 0;
  auto operator<=>(const AlgorithmSpec&) const = default;
};

inline constexpr uint32_t kLargestMaglev = 5000011;
inline constexpr uint32_t kLargestRing = 8388608;
inline constexpr uint32_t kMostChoices = 32;
inline constexpr uint32_t kMostBiasPermille = 16000;
inline constexpr uint32_t kLongestAffinityS = 86400;  // Kubernetes' limit

[[nodiscard]] std::string_view algorithm_name(Algorithm algorithm);  // "least_request"
[[nodiscard]] std::string_view hash_input_name(HashInput input);     // "source_ip"

// InvalidArgument names the parameter, its value and what is allowed.
[[nodiscard]] absl::Status check(const AlgorithmSpec& spec);
// The same behaviour with every field that has no effect at its default, so that specs that behave
// alike are equal.
[[nodiscard]] AlgorithmSpec relevant(const AlgorithmSpec& spec);
// "least_request choices=2 bias=1", "maglev size=65537 hash=source_ip affinity=10800s": the name
// and the parameters that matter.
[[nodiscard]] std::string to_text(const AlgorithmSpec& spec);

}  // namespace vicinity::policy
