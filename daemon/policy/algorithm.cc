#include "policy/algorithm.h"

#include <fmt/format.h>

#include "base/status.h"

namespace vicinity::policy {
namespace {

bool hashes(Algorithm algorithm) {
  return algorithm == Algorithm::kRingHash || algorithm == Algorithm::kMaglev;
}

bool is_prime(uint32_t number) {
  if (number < 2 || (number % 2 == 0 && number != 2)) return false;
  for (uint64_t divisor = 3; divisor * divisor <= number; divisor += 2) {
    if (number % divisor == 0) return false;
  }
  return true;
}

absl::Status check_least_request(const AlgorithmSpec& spec) {
  if (spec.choice_count < 2 || spec.choice_count > kMostChoices) {
    return base::invalid("least_request: choice count {}: 2 to {} are possible", spec.choice_count,
                         kMostChoices);
  }
  if (spec.bias_permille > kMostBiasPermille) {
    return base::invalid("least_request: active request bias {}: 0 to {} are possible",
                         spec.bias_permille / 1000.0, kMostBiasPermille / 1000);
  }
  return absl::OkStatus();
}

absl::Status check_ring(const AlgorithmSpec& spec) {
  if (spec.ring_min == 0 || spec.ring_min > spec.ring_max) {
    return base::invalid("ring_hash: minimum ring size {}: 1 to the maximum, {}, are possible",
                         spec.ring_min, spec.ring_max);
  }
  if (spec.ring_max > kLargestRing) {
    return base::invalid("ring_hash: maximum ring size {}: at most {} is possible", spec.ring_max,
                         kLargestRing);
  }
  return absl::OkStatus();
}

absl::Status check_maglev(const AlgorithmSpec& spec) {
  if (spec.maglev_size > kLargestMaglev || !is_prime(spec.maglev_size)) {
    return base::invalid("maglev: table size {}: a prime of at most {} is needed", spec.maglev_size,
                         kLargestMaglev);
  }
  return absl::OkStatus();
}

}  // namespace

std::string_view algorithm_name(Algorithm algorithm) {
  switch (algorithm) {
    case Algorithm::kRandom:
      return "random";
    case Algorithm::kRoundRobin:
      return "round_robin";
    case Algorithm::kLeastRequest:
      return "least_request";
    case Algorithm::kRingHash:
      return "ring_hash";
    case Algorithm::kMaglev:
      return "maglev";
  }
  return "?";
}

std::string_view hash_input_name(HashInput input) {
  return input == HashInput::kSourceIp ? "source_ip" : "random";
}

absl::Status check(const AlgorithmSpec& spec) {
  if (spec.affinity_timeout_s > kLongestAffinityS) {
    return base::invalid("affinity timeout {} s: at most {} s are possible",
                         spec.affinity_timeout_s, kLongestAffinityS);
  }
  switch (spec.kind) {
    case Algorithm::kRandom:
    case Algorithm::kRoundRobin:
      return absl::OkStatus();
    case Algorithm::kLeastRequest:
      return check_least_request(spec);
    case Algorithm::kRingHash:
      return check_ring(spec);
    case Algorithm::kMaglev:
      return check_maglev(spec);
  }
  return absl::OkStatus();
}

AlgorithmSpec relevant(const AlgorithmSpec& spec) {
  AlgorithmSpec result{.kind = spec.kind, .affinity_timeout_s = spec.affinity_timeout_s};
  if (spec.kind == Algorithm::kLeastRequest) {
    result.choice_count = spec.choice_count;
    result.bias_permille = spec.bias_permille;
  }
  if (spec.kind == Algorithm::kRingHash) {
    result.ring_min = spec.ring_min;
    result.ring_max = spec.ring_max;
  }
  if (spec.kind == Algorithm::kMaglev) result.maglev_size = spec.maglev_size;
  if (hashes(spec.kind)) result.hash_input = spec.hash_input;
  return result;
}

std::string to_text(const AlgorithmSpec& spec) {
  std::string text(algorithm_name(spec.kind));
  if (spec.kind == Algorithm::kLeastRequest) {
    text += fmt::format(" choices={} bias={}", spec.choice_count, spec.bias_permille / 1000.0);
  }
  if (spec.kind == Algorithm::kRingHash) {
    text += fmt::format(" ring={}..{}", spec.ring_min, spec.ring_max);
  }
  if (spec.kind == Algorithm::kMaglev) text += fmt::format(" size={}", spec.maglev_size);
  if (hashes(spec.kind)) text += fmt::format(" hash={}", hash_input_name(spec.hash_input));
  if (spec.affinity_timeout_s > 0) text += fmt::format(" affinity={}s", spec.affinity_timeout_s);
  return text;
}

}  // namespace vicinity::policy
