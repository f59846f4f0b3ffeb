// The hosts of one tier as Envoy's consistent hashing sees them: a text key and a weight each.
// xxHash64 is the hash of all of it. Pure.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace vicinity::compile {

struct HashHost {
  std::string key;      // "10.244.1.5:8080", "[fd00::5]:8080"
  uint32_t weight = 1;  // above 0
};

// xxHash64 as Envoy's HashUtil, which hashes keys and, for a source address, its text.
[[nodiscard]] uint64_t envoy_hash(std::string_view text, uint64_t seed = 0);

// Weights as parts of 1, in the order and arithmetic of Envoy's normalizeHostWeights: tables are
// bit for bit the same only if the rounding is.
[[nodiscard]] std::vector<double> normalized_weights(std::span<const HashHost> hosts);

}  // namespace vicinity::compile
