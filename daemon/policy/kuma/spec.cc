#include "policy/kuma/spec.h"

#include <algorithm>
#include <charconv>

namespace vicinity::policy::kuma {
namespace {

// Cuts off and returns what stands before the last '_'; empty: there is none.
std::string_view pop_back(std::string_view& text) {
  const size_t at = text.rfind('_');
  if (at == std::string_view::npos) return {};
  const std::string_view last = text.substr(at + 1);
  text = text.substr(0, at);
  return last;
}

std::optional<uint16_t> port_of(std::string_view text) {
  uint16_t port = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (failed != std::errc() || end != text.data() + text.size() || port == 0) return std::nullopt;
  return port;
}

}  // namespace

AlgorithmSpec algorithm_of(const LoadBalancer& balancer) {
  AlgorithmSpec spec;
  spec.kind = balancer.type.value_or(spec.kind);
  spec.choice_count = balancer.choice_count.value_or(spec.choice_count);
  if (balancer.active_request_bias) spec.bias_permille = permille(*balancer.active_request_bias);
  spec.maglev_size = balancer.table_size.value_or(spec.maglev_size);
  spec.ring_min = balancer.min_ring_size.value_or(spec.ring_min);
  spec.ring_max = balancer.max_ring_size.value_or(spec.ring_max);
  spec.ring_min = std::min(spec.ring_min, spec.ring_max);
  const bool by_source = balancer.by_source.value_or(false);
  spec.hash_input = by_source ? HashInput::kSourceIp : HashInput::kRandom;
  return relevant(spec);
}

std::optional<ServiceName> parse_service_tag(std::string_view text) {
  ServiceName result;
  std::string_view last = pop_back(text);
  if (last != "svc") {
    result.port = port_of(last);
    if (!result.port || pop_back(text) != "svc") return std::nullopt;
  }
  result.name_space = pop_back(text);
  result.name = text;
  if (result.name.empty() || result.name_space.empty()) return std::nullopt;
  return result;
}

bool names(const ServiceName& wanted, const model::Service& service,
           const model::Symbols& symbols) {
  if (!wanted.name_space.empty() && wanted.name_space != symbols.name(service.name_space)) {
    return false;
  }
  return wanted.name == symbols.name(service.name) || wanted.name == symbols.name(service.hostname);
}

bool names(const ServiceName& wanted, std::string_view service_key) {
  const size_t slash = service_key.find('/');
  if (slash == std::string_view::npos) return false;
  const std::string_view hostname = service_key.substr(slash + 1);
  if (!wanted.name_space.empty() && wanted.name_space != service_key.substr(0, slash)) return false;
  return wanted.name == hostname || wanted.name == hostname.substr(0, hostname.find('.'));
}

bool Strategy::concerns(const model::Service& service, const model::Symbols& symbols) const {
  return std::ranges::any_of(to, [&](const To& one) {
    return !one.target.service || names(*one.target.service, service, symbols);
  });
}

}  // namespace vicinity::policy::kuma
