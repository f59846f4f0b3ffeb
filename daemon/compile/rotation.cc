#include "compile/rotation.h"

#include <algorithm>
#include <numeric>

#include "compile/alias.h"

namespace vicinity::compile {
namespace {

// One host's k-th turn is due at k / weight.
struct Due {
  uint32_t turn = 0;  // from 1
  uint32_t weight = 0;
  uint16_t host = 0;
};

bool due_before(const Due& left, const Due& right) {
  const uint64_t left_time = uint64_t{left.turn} * right.weight;
  const uint64_t right_time = uint64_t{right.turn} * left.weight;
  if (left_time != right_time) return left_time < right_time;
  return left.host < right.host;
}

// How many turns each host has in one period.
std::vector<uint32_t> turns_of(std::span<const uint32_t> weights) {
  const uint64_t period = std::accumulate(weights.begin(), weights.end(), uint64_t{0});
  if (period <= kLongestRotation) return {weights.begin(), weights.end()};
  const std::vector<uint64_t> wide(weights.begin(), weights.end());
  std::vector<uint32_t> turns;
  for (const uint64_t part : apportioned(kLongestRotation, wide)) {
    turns.push_back(static_cast<uint32_t>(std::max<uint64_t>(part, 1)));
  }
  return turns;
}

}  // namespace

std::vector<uint16_t> rotation(std::span<const uint32_t> weights) {
  if (std::ranges::adjacent_find(weights, std::ranges::not_equal_to()) == weights.end()) return {};
  const std::vector<uint32_t> turns = turns_of(weights);
  std::vector<Due> all;
  for (size_t host = 0; host < turns.size(); ++host) {
    for (uint32_t turn = 1; turn <= turns[host]; ++turn) {
      all.push_back({.turn = turn, .weight = turns[host], .host = static_cast<uint16_t>(host)});
    }
  }
  std::ranges::sort(all, due_before);
  std::vector<uint16_t> order;
  order.reserve(all.size());
  for (const Due& due : all) order.push_back(due.host);
  return order;
}

std::vector<uint32_t> reduced_weights(std::span<const uint64_t> weights) {
  uint64_t common = 0;
  for (const uint64_t weight : weights) common = std::gcd(common, weight);
  const uint64_t largest = std::ranges::max(weights) / common;
  int shift = 0;
  while (largest >> shift > UINT32_MAX) ++shift;
  std::vector<uint32_t> reduced;
  reduced.reserve(weights.size());
  for (const uint64_t weight : weights) {
    reduced.push_back(static_cast<uint32_t>(std::max<uint64_t>(weight / common >> shift, 1)));
  }
  return reduced;
}

}  // namespace vicinity::compile
