#include "admin/trace_names.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

namespace vicinity::admin {
namespace {

using compile::ExplainedEndpoint;
using compile::ExplainedTier;
using model::Nearness;

double seconds_since_epoch(absl::Time time) {
  return absl::ToDoubleSeconds(time - absl::UnixEpoch());
}

std::string_view namespace_of(std::string_view service) {
  return service.substr(0, service.find('/'));
}

enum class Audience : uint8_t { kOwnNamespace, kEveryone };

std::optional<model::SymbolId> serving(const model::Snapshot& snapshot,
                                       const std::vector<model::Serving>& all, Audience audience,
                                       std::string_view name_space) {
  for (const model::Serving& one : all) {
    const bool everyone = one.audience == model::Audience::kEveryone;
    if (everyone != (audience == Audience::kEveryone)) continue;
    if (everyone || namespace_of(snapshot.symbols().name(one.service)) == name_space) {
      return one.service;
    }
  }
  return std::nullopt;
}

// Nearness of a workload that an explanation names; nullopt: it has gone since.
std::optional<Nearness> nearness_of(const model::Snapshot& snapshot, std::string_view workload) {
  const model::Workload* found = snapshot.find_workload(workload);
  if (found == nullptr) return std::nullopt;
  return model::nearness(snapshot.self().place, found->place, snapshot.symbols());
}

struct Chosen {
  const ExplainedTier* tier = nullptr;
  const ExplainedEndpoint* endpoint = nullptr;
};

Chosen find_chosen(const compile::Explanation& explanation, std::string_view address) {
  for (const ExplainedTier& tier : explanation.tiers) {
    const auto found = std::ranges::find(tier.endpoints, address, &ExplainedEndpoint::address);
    if (found != tier.endpoints.end()) return {.tier = &tier, .endpoint = &*found};
  }
  return {};
}

// "2 unhealthy", "1 in tier 0 (40% of connects)".
class Levels {
 public:
  Levels(const compile::Explanation& explanation, const model::Snapshot& snapshot) {
    for (const auto& excluded : explanation.excluded) {
      if (const auto level = nearness_of(snapshot, excluded.workload)) {
        ++excluded_[index(*level)][excluded.reason];
      }
    }
    for (const ExplainedTier& tier : explanation.tiers) {
      for (const ExplainedEndpoint& endpoint : tier.endpoints) {
        const auto level = nearness_of(snapshot, endpoint.workload);
        if (!level) continue;
        Tier& found = tiers_[index(*level)][tier.priority];
        ++found.endpoints;
        found.share_percent += endpoint.share_percent;
      }
    }
  }

  [[nodiscard]] std::string text(Nearness level) const {
    std::vector<std::string> parts;
    for (const auto& [priority, tier] : tiers_[index(level)]) {
      parts.push_back(fmt::format("{} in tier {} ({:.0f}% of connects)", tier.endpoints, priority,
                                  tier.share_percent));
    }
    for (const auto& [reason, count] : excluded_[index(level)]) {
      parts.push_back(fmt::format("{} {}", count, reason));
    }
    return parts.empty() ? "none" : fmt::format("{}", fmt::join(parts, ", "));
  }

 private:
  struct Tier {
    uint32_t endpoints = 0;
    double share_percent = 0;
  };
  static size_t index(Nearness level) { return static_cast<size_t>(level); }

  std::array<std::map<std::string, uint32_t>, model::kNearnesses.size()> excluded_;
  std::array<std::map<uint32_t, Tier>, model::kNearnesses.size()> tiers_;
};

void set_pod(const ClientPod& pod, TraceEvent& event) {
  event.set_pod(pod.name);
  for (const auto& address : pod.addresses) event.add_pod_addresses(address.to_string());
}

TraceEvent event_of(const dataplane::Traced& choice) {
  TraceEvent event;
  event.set_connection(choice.cookie);
  event.set_time(seconds_since_epoch(choice.at));
  event.set_pid(choice.pid);
  event.set_command(choice.command);
  event.set_protocol(choice.transport == dataplane::Transport::kTcp ? "tcp" : "udp");
  event.set_call(choice.send ? "send" : "connect");
  event.set_asked(model::endpoint_text(choice.asked.address, choice.asked.port));
  event.set_result(std::string(choice.verdict.result));
  event.set_reason(std::string(choice.verdict.reason));
  event.set_tier(-1);
  return event;
}

}  // namespace

std::optional<model::SymbolId> service_at(const model::Snapshot& snapshot,
                                          const model::IpAddress& address,
                                          std::string_view name_space) {
  const auto find = [&](uint8_t length, Audience audience) {
    return serving(snapshot, snapshot.serving(model::masked(address, length), length), audience,
                   name_space);
  };
  const uint8_t bits = model::family_bits(address.family);
  // As the hooks look: an address before a range, and the client's own namespace before everyone.
  for (const Audience audience : {Audience::kOwnNamespace, Audience::kEveryone}) {
    if (const auto found = find(bits, audience)) return found;
  }
  for (const Audience audience : {Audience::kOwnNamespace, Audience::kEveryone}) {
    for (uint8_t length = bits; length-- > 0;) {
      if (const auto found = find(length, audience)) return found;
    }
  }
  return std::nullopt;
}

std::string passed_over(const compile::Explanation& explanation, const model::Snapshot& snapshot,
                        const ExplainedEndpoint& chosen) {
  const auto chosen_level = nearness_of(snapshot, chosen.workload);
  if (!chosen_level) return "";
  const Levels levels(explanation, snapshot);
  std::vector<std::string> parts;
  for (const Nearness level : model::kNearnesses) {
    if (level >= *chosen_level) break;
    if (!model::has_level(snapshot.self().place, level, snapshot.symbols())) continue;
    parts.push_back(fmt::format("{}: {}", model::nearness_name(level), levels.text(level)));
  }
  return fmt::format("{}", fmt::join(parts, "; "));
}

const compile::Explanation* TraceNames::explanation_of(const Table& table) {
  const auto [found, added] = explanations_.try_emplace(table);
  if (added) {
    const auto& [service, port, family] = table;
    const compile::PlanRequest request{.query = {service, port, family},
                                       .client = view_.snapshot().self()};
    auto explained = compile::explain(view_.snapshot(), request, view_.options());
    if (explained.ok()) found->second = *std::move(explained);
  }
  return found->second ? &*found->second : nullptr;
}

void TraceNames::describe_endpoint(const dataplane::Traced& choice, model::SymbolId service,
                                   TraceEvent& to) {
  const auto* explanation =
      explanation_of({service, choice.asked.port, choice.chosen.address.family});
  if (explanation == nullptr) return;
  const Chosen chosen = find_chosen(*explanation, to.endpoint());
  if (chosen.endpoint == nullptr) return;
  to.set_tier(static_cast<int32_t>(chosen.tier->priority));
  to.set_workload(chosen.endpoint->workload);
  to.set_locality(chosen.endpoint->locality);
  to.set_passed_over(passed_over(*explanation, view_.snapshot(), *chosen.endpoint));
  if (const auto near = nearness_of(view_.snapshot(), chosen.endpoint->workload)) {
    to.set_near(std::string(model::nearness_name(*near)));
  }
}

TraceEvent TraceNames::describe(const dataplane::Traced& choice) {
  TraceEvent event = event_of(choice);
  const auto [pod, added] = pods_.try_emplace(choice.netns_cookie);
  if (added) pod->second = view_.pod_of(choice.netns_cookie);
  set_pod(pod->second, event);
  const auto service = service_at(view_.snapshot(), choice.asked.address, pod->second.name_space);
  if (service) event.set_service(std::string(view_.snapshot().symbols().name(*service)));
  if (choice.verdict.result != "translated") return event;
  event.set_endpoint(model::endpoint_text(choice.chosen.address, choice.chosen.port));
  if (service) describe_endpoint(choice, *service, event);
  return event;
}

}  // namespace vicinity::admin
