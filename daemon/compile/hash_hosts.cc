#include "compile/hash_hosts.h"

#include <xxhash.h>

namespace vicinity::compile {

uint64_t envoy_hash(std::string_view text, uint64_t seed) {
  return XXH64(text.data(), text.size(), seed);
}

std::vector<double> normalized_weights(std::span<const HashHost> hosts) {
  uint64_t sum = 0;
  for (const HashHost& host : hosts) sum += host.weight;
  std::vector<double> weights;
  weights.reserve(hosts.size());
  for (const HashHost& host : hosts) {
    weights.push_back(host.weight * 1.0 / static_cast<double>(sum));
  }
  return weights;
}

}  // namespace vicinity::compile
