#include "policy/istio/rules.h"

#include <algorithm>
#include <tuple>
#include <utility>
#include <vector>

#include "base/strings.h"
#include "policy/istio/effective.h"
#include "policy/istio/plan.h"
#include "policy/istio/spec.h"

namespace vicinity::policy::istio {
namespace {

struct Entry {
  const Document* document = nullptr;
  const DestinationRule* rule = nullptr;
};

// Whose rules are asked, one after the other: the first namespace with a matching one decides.
struct Step {
  std::string_view name_space;
  bool own_clients = false;  // the client's own namespace: what is exported does not matter
  std::string_view exact;    // the reason given
  std::string_view pattern;
};

struct Choice {
  const Entry* entry = nullptr;
  std::string_view why;
};

constexpr std::string_view kLaterRule =
    "a rule with a narrower host, or of a nearer namespace, comes first";
constexpr std::string_view kSameHost = "conflict: another rule of this namespace has the same host";
constexpr std::string_view kOtherNamespace =
    "for clients of its own namespace only, which one table for the whole node cannot tell apart: "
    "move it into the service's namespace or the root namespace";
constexpr std::string_view kNotExported =
    "exportTo names some namespaces only, which one table for the whole node cannot tell apart";
constexpr std::string_view kNotSelected = "its workloadSelector does not match this client";
constexpr std::string_view kNoPolicy = "sets no trafficPolicy";

class IstioPlanner final : public Planner {
 public:
  IstioPlanner(PlanSpec spec, const LoadBalancer* balancer) : spec_(spec), balancer_(balancer) {}

  [[nodiscard]] Plan plan(PlanInput input) const override {
    if (balancer_ != nullptr && balancer_->passthrough) {
      Plan through;
      through.mode = Mode::kPassthrough;
      through.on_empty = OnEmpty::kPass;
      return through;
    }
    if (spec_.effective.level != Level::kService) return istio::plan(spec_, std::move(input));
    Plan own = input.own(std::move(input.eligible));
    own.algorithm = spec_.algorithm;
    own.outlier = spec_.outlier;
    return own;
  }

 private:
  PlanSpec spec_;
  const LoadBalancer* balancer_;
};

class IstioRules final : public Rules {
 public:
  IstioRules(std::span<const Document* const> documents, const Settings& settings)
      : root_namespace_(settings.root_namespace) {
    for (const Document* document : documents) add(*document);
    if (mesh_ != nullptr && !mesh_->root_namespace.empty()) root_namespace_ = mesh_->root_namespace;
  }

  [[nodiscard]] Resolution resolve(const Target& target) const override;

 private:
  using Entries = std::vector<const Entry*>;

  void add(const Document& document);
  [[nodiscard]] Entries candidates(const Target& target) const;
  [[nodiscard]] std::vector<Step> steps(const Target& target) const;
  [[nodiscard]] static Choice choose(const Entries& candidates, const Step& step,
                                     const Target& target);
  void decide(const Target& target, const Choice& choice, Resolution& result) const;
  void pass_over(const Entries& candidates, const Target& target, Resolution& result) const;

  std::string root_namespace_;
  base::StringMap<std::vector<Entry>> exact_;  // by host, each in order of document id
  std::vector<Entry> patterns_;
  const Document* mesh_document_ = nullptr;
  const MeshConfig* mesh_ = nullptr;
};

void IstioRules::add(const Document& document) {
  if (const auto* mesh = dynamic_cast<const MeshConfig*>(document.spec.get())) {
    mesh_document_ = &document;
    mesh_ = mesh;
    return;
  }
  const auto* rule = dynamic_cast<const DestinationRule*>(document.spec.get());
  const Entry entry{.document = &document, .rule = rule};
  if (rule->is_pattern()) {
    patterns_.push_back(entry);
  } else {
    exact_[rule->host].push_back(entry);
  }
}

IstioRules::Entries IstioRules::candidates(const Target& target) const {
  Entries found;
  const std::string_view host = target.symbols.name(target.service.hostname);
  if (const auto exact = exact_.find(host); exact != exact_.end()) {
    for (const Entry& entry : exact->second) found.push_back(&entry);
  }
  for (const Entry& entry : patterns_) {
    if (entry.rule->names(host)) found.push_back(&entry);
  }
  // The narrowest host first; among equals the order of their names.
  std::ranges::sort(found, {}, [](const Entry* one) {
    return std::tuple<bool, size_t, const DocumentId&>(
        one->rule->is_pattern(), SIZE_MAX - one->rule->host.size(), one->document->id);
  });
  return found;
}

std::vector<Step> IstioRules::steps(const Target& target) const {
  const std::string_view client = target.symbols.name(target.client.name_space);
  const std::string_view service = target.symbols.name(target.service.name_space);
  std::vector<Step> steps;
  if (!client.empty() && client != root_namespace_) {
    steps.push_back({.name_space = client,
                     .own_clients = true,
                     .exact = "its host, in the client's namespace",
                     .pattern = "a host pattern, in the client's namespace"});
  }
  steps.push_back({.name_space = service,
                   .own_clients = false,
                   .exact = "its host, in the service's namespace",
                   .pattern = "a host pattern, in the service's namespace"});
  steps.push_back({.name_space = root_namespace_,
                   .own_clients = false,
                   .exact = "its host, in the root namespace",
                   .pattern = "a host pattern, in the root namespace"});
  return steps;
}

bool exported(const DestinationRule& rule, std::string_view client) {
  return rule.export_to.empty() ||
         (!client.empty() && std::ranges::find(rule.export_to, client) != rule.export_to.end());
}

bool selects(const DestinationRule& rule, const Target& target) {
  return std::ranges::all_of(rule.selector, [&](const auto& wanted) {
    const auto key = target.symbols.find(wanted.first);
    const auto label = key ? std::ranges::find(target.client.labels, *key, &model::Label::key)
                           : target.client.labels.end();
    return label != target.client.labels.end() &&
           target.symbols.name(label->value) == wanted.second;
  });
}

// Of several rules for one host those with a matching selector come first, then those without one;
// among them the first that sets anything.
const Entry* merge(const std::vector<const Entry*>& same_host, const Target& target) {
  const Entry* best = nullptr;
  for (const Entry* entry : same_host) {
    if (!selects(*entry->rule, target)) continue;
    const auto rank = [](const Entry& one) {
      return std::pair(one.rule->selector.empty(), !one.rule->traffic_policy.has_value());
    };
    if (best == nullptr || rank(*entry) < rank(*best)) best = entry;
  }
  return best;
}

Choice IstioRules::choose(const Entries& candidates, const Step& step, const Target& target) {
  const auto in_step = [&](const Entry* entry) {
    return entry->document->id.name_space == step.name_space;
  };
  const auto first = std::ranges::find_if(candidates, in_step);
  if (first == candidates.end()) return {};
  std::vector<const Entry*> same_host;
  const std::string_view client = target.symbols.name(target.client.name_space);
  for (const Entry* entry : candidates) {
    if (!in_step(entry) || entry->rule->host != (*first)->rule->host) continue;
    if (step.own_clients || exported(*entry->rule, client)) same_host.push_back(entry);
  }
  const Entry* best = merge(same_host, target);
  return {.entry = best, .why = (*first)->rule->is_pattern() ? step.pattern : step.exact};
}

// A traffic distribution keeps panic off, and the unhealthy counted.
enum class Panic { kAsSaid, kNever };

PlanSpec gated_spec(const PortPolicy* policy, Panic panic) {
  PlanSpec spec;
  if (policy == nullptr || !policy->outlier_detection.has_value()) return spec;
  spec.gate = true;
  spec.outlier = policy->outlier_detection->spec;
  if (panic == Panic::kAsSaid)
    spec.min_health_percent = policy->outlier_detection->min_health_percent;
  return spec;
}

const PortPolicy* policy_of(const Choice& choice, uint16_t port) {
  if (choice.entry == nullptr || !choice.entry->rule->traffic_policy) return nullptr;
  return &choice.entry->rule->traffic_policy->of(port);
}

void IstioRules::decide(const Target& target, const Choice& choice, Resolution& result) const {
  const PortPolicy* policy = policy_of(choice, target.port);
  const LoadBalancer* balancer =
      policy != nullptr && policy->load_balancer ? &*policy->load_balancer : nullptr;
  const bool distribution = target.service.load_balancing.mode == model::RoutingMode::kFailover;
  PlanSpec spec = gated_spec(policy, distribution ? Panic::kNever : Panic::kAsSaid);
  spec.effective = effective_setting(balancer, distribution, mesh_);
  if (balancer != nullptr) spec.algorithm = balancer->algorithm.value_or(AlgorithmSpec{});
  const bool by_mesh = mesh_ != nullptr && (spec.effective.level == Level::kMesh ||
                                            spec.effective.level == Level::kMeshZones);
  if (policy != nullptr) {
    result.reach = choice.entry->rule->is_pattern() ? Reach::kPattern : Reach::kService;
    result.applied.push_back({.document = choice.entry->document, .why = choice.why});
  }
  const bool mesh_alone =
      by_mesh && (spec.effective.zones != nullptr || !spec.effective.locality->distribute.empty());
  if (policy == nullptr && !mesh_alone) return;
  if (by_mesh) {
    result.applied.push_back({.document = mesh_document_, .why = "the mesh's default"});
  }
  result.planner = std::make_shared<IstioPlanner>(spec, balancer);
}

void IstioRules::pass_over(const Entries& candidates, const Target& target,
                           Resolution& result) const {
  const auto steps_of_target = steps(target);
  const std::string_view client = target.symbols.name(target.client.name_space);
  const Entry* winner = nullptr;
  for (const Entry* entry : candidates) {
    if (!result.applied.empty() && result.applied.front().document == entry->document) {
      winner = entry;
    }
  }
  for (const Entry* entry : candidates) {
    if (entry == winner) continue;
    std::string_view why = kLaterRule;
    const auto step =
        std::ranges::find(steps_of_target, entry->document->id.name_space, &Step::name_space);
    if (step == steps_of_target.end()) {
      why = kOtherNamespace;
    } else if (!step->own_clients && !exported(*entry->rule, client)) {
      why = kNotExported;
    } else if (!selects(*entry->rule, target)) {
      why = kNotSelected;
    } else if (!entry->rule->traffic_policy) {
      why = kNoPolicy;
    } else if (winner != nullptr && winner->rule->host == entry->rule->host &&
               winner->document->id.name_space == entry->document->id.name_space) {
      why = kSameHost;
    }
    result.passed_over.push_back({.document = entry->document, .why = why});
  }
}

Resolution IstioRules::resolve(const Target& target) const {
  Resolution result;
  const Entries found = candidates(target);
  if (target.service.load_balancing.mode == model::RoutingMode::kPassthrough) {
    for (const Entry* entry : found) {
      result.passed_over.push_back(
          {.document = entry->document, .why = "the service passes connections through"});
    }
    return result;
  }
  Choice choice;
  for (const Step& step : steps(target)) {
    choice = choose(found, step, target);
    if (choice.entry != nullptr) break;
  }
  decide(target, choice, result);
  pass_over(found, target, result);
  return result;
}

}  // namespace

std::unique_ptr<const Rules> make_rules(std::span<const Document* const> documents,
                                        const Settings& settings) {
  return std::make_unique<IstioRules>(documents, settings);
}

}  // namespace vicinity::policy::istio
