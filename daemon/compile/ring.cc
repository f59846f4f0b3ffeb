#include "compile/ring.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>

namespace vicinity::compile {

std::vector<uint32_t> ring_entries(std::span<const HashHost> hosts, RingSizes sizes) {
  const std::vector<double> weights = normalized_weights(hosts);
  const double least = std::ranges::min(weights);
  const double scale =
      std::min(std::ceil(least * sizes.min) / least, static_cast<double>(sizes.max));
  std::vector<uint32_t> entries;
  entries.reserve(hosts.size());
  // Running sums over all hosts: what rounding gives one host it takes from the next.
  double current = 0;
  double target = 0;
  for (const double weight : weights) {
    target += scale * weight;
    uint32_t count = 0;
    while (current < target) {
      current += 1;
      ++count;
    }
    entries.push_back(count);
  }
  return entries;
}

std::vector<RingEntry> hash_ring(std::span<const HashHost> hosts, RingSizes sizes) {
  const std::vector<uint32_t> entries = ring_entries(hosts, sizes);
  std::vector<RingEntry> ring;
  std::string key;
  for (size_t host = 0; host < hosts.size(); ++host) {
    for (uint32_t i = 0; i < entries[host]; ++i) {
      key.clear();
      fmt::format_to(std::back_inserter(key), "{}_{}", hosts[host].key, i);
      ring.push_back({.hash = envoy_hash(key), .host = static_cast<uint16_t>(host)});
    }
  }
  std::ranges::sort(ring);
  const auto repeated = std::ranges::unique(ring, {}, &RingEntry::hash);
  ring.erase(repeated.begin(), repeated.end());
  return ring;
}

}  // namespace vicinity::compile
