#include "compile/maglev.h"

#include <algorithm>
#include <numeric>
#include <tuple>

namespace vicinity::compile {
namespace {

constexpr uint32_t kFree = UINT32_MAX;

// One host's walk through the table: place + skip at each step, which meets every place once since
// the size is a prime.
struct Turn {
  uint16_t host = 0;
  uint32_t place = 0;
  uint32_t skip = 0;
  double weight = 0;
  double target = 0;  // the next turn is due when iteration * weight reaches it
};

std::vector<Turn> turns_of(std::span<const HashHost> hosts, uint32_t size) {
  std::vector<uint16_t> order(hosts.size());
  std::iota(order.begin(), order.end(), uint16_t{0});
  std::ranges::sort(order, [&](uint16_t left, uint16_t right) {
    return std::tie(hosts[left].key, left) < std::tie(hosts[right].key, right);
  });
  const std::vector<double> weights = normalized_weights(hosts);
  std::vector<Turn> turns;
  turns.reserve(hosts.size());
  for (const uint16_t host : order) {
    const std::string& key = hosts[host].key;
    turns.push_back({.host = host,
                     .place = static_cast<uint32_t>(envoy_hash(key) % size),
                     .skip = static_cast<uint32_t>(envoy_hash(key, 1) % (size - 1) + 1),
                     .weight = weights[host]});
  }
  return turns;
}

// The first free place from the turn's own on; the turn moves past it.
uint32_t take_place(Turn& turn, std::span<const uint32_t> table) {
  const auto size = static_cast<uint32_t>(table.size());
  const auto step = [&] {
    turn.place = static_cast<uint32_t>((uint64_t{turn.place} + turn.skip) % size);
  };
  while (table[turn.place] != kFree) step();
  const uint32_t taken = turn.place;
  step();
  return taken;
}

}  // namespace

std::vector<uint16_t> maglev_table(std::span<const HashHost> hosts, uint32_t size) {
  std::vector<Turn> turns = turns_of(hosts, size);
  const double largest = std::ranges::max(turns, {}, &Turn::weight).weight;
  std::vector<uint32_t> table(size, kFree);
  uint32_t filled = 0;
  for (uint32_t iteration = 1; filled < size; ++iteration) {
    for (size_t i = 0; i < turns.size() && filled < size; ++i) {
      Turn& turn = turns[i];
      if (iteration * turn.weight < turn.target) continue;
      turn.target += largest;
      table[take_place(turn, table)] = turn.host;
      ++filled;
    }
  }
  return {table.begin(), table.end()};
}

}  // namespace vicinity::compile
