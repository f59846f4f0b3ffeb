#include "policy/kuma/rules.h"

#include <algorithm>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "policy/kuma/clients.h"
#include "policy/kuma/merge.h"
#include "policy/kuma/plan.h"
#include "policy/kuma/spec.h"

namespace vicinity::policy::kuma {
namespace {

// One spec.to[] of one document.
struct Aim {
  const Document* document = nullptr;
  const Strategy* strategy = nullptr;
  const To* to = nullptr;
  size_t place = 0;  // among all, so that of equals the last one wins
};

bool less_specific(const Aim& left, const Aim& right) {
  const auto key = [](const Aim& aim) {
    const ServiceRef& target = aim.to->target;
    return std::tuple(aim.strategy->client.kind, aim.strategy->origin, aim.strategy->role,
                      target.service.has_value(), target.section);
  };
  if (key(left) != key(right)) return key(left) < key(right);
  const int names = left.strategy->name.compare(right.strategy->name);
  return names != 0 ? names > 0 : left.place < right.place;
}

bool is_for(const To& to, const Target& target) {
  if (!to.target.service) return true;
  const ServiceName& wanted = *to.target.service;
  return names(wanted, target.service, target.symbols) &&
         (!wanted.port || *wanted.port == target.port);
}

class KumaPlanner final : public Planner {
 public:
  KumaPlanner(Conf conf, Kind kind, Options options)
      : conf_(std::move(conf)),
        balances_(kind == Kind::kLoadBalancingStrategy),
        options_(std::move(options)) {
    if (conf_.outlier && conf_.outlier->panic_percent) {
      options_.panic_percent = *conf_.outlier->panic_percent;
    }
  }

  [[nodiscard]] Plan plan(PlanInput input) const override {
    Plan plan = balanced(std::move(input));
    if (conf_.outlier) plan.outlier = outlier_of(*conf_.outlier);
    return plan;
  }

 private:
  // A circuit breaker alone leaves the balancing to the service's own preference.
  [[nodiscard]] Plan balanced(PlanInput input) const {
    if (!balances_) return input.own(std::move(input.eligible));
    const KumaSpec spec{.locality = conf_.locality.value_or(LocalityAwareness{}),
                        .algorithm = algorithm_of(conf_.balancer.value_or(LoadBalancer{})),
                        .options = options_,
                        .on_empty = input.on_empty};
    return kuma::plan(spec, std::move(input.eligible), input.target.client, input.target.symbols);
  }

  Conf conf_;
  bool balances_;
  Options options_;
};

std::string_view why_applied(const Aim& aim, Selected selected) {
  if (selected == Selected::kSome) {
    return "selects some of this node's clients, which are not told apart: it counts for all";
  }
  if (aim.to->target.section) return "names the service's port";
  if (aim.to->target.service) return "names the service";
  return "for every service of the mesh";
}

std::string_view why_not(Selected selected) {
  return selected == Selected::kUnknown ? "selects clients by what is not known of this node's"
                                        : "selects clients that are not on this node";
}

class KumaRules final : public Rules {
 public:
  KumaRules(std::span<const Document* const> documents, const Settings& settings)
      : mesh_(settings.kuma.mesh),
        options_{
            .zone_label = settings.kuma.zone_label,
            .threshold = settings.kuma.compat_threshold ? Threshold::kCompat : Threshold::kExact,
            .panic_percent = settings.kuma.panic_percent} {
    for (const Document* document : documents) {
      const auto& strategy = static_cast<const Strategy&>(*document->spec);
      for (const To& to : strategy.to) aims_.push_back({document, &strategy, &to, aims_.size()});
    }
    std::ranges::sort(aims_, less_specific);
  }

  [[nodiscard]] Resolution resolve(const Target& target) const override {
    Resolution result;
    Conf conf;
    Kind kind = Kind::kCircuitBreaker;
    for (const Aim& aim : aims_) {
      if (!is_for(*aim.to, target)) continue;
      if (const auto why = obstacle(aim, target); !why.empty()) {
        result.passed_over.push_back({.document = aim.document, .why = why});
        continue;
      }
      merge(aim.to->conf, conf);
      if (aim.strategy->kind == Kind::kLoadBalancingStrategy) kind = aim.strategy->kind;
      if (aim.to->target.service) result.reach = Reach::kService;
      const auto selected = select_clients(aim.strategy->client, target, options_.zone_label);
      result.applied.push_back({.document = aim.document, .why = why_applied(aim, selected)});
    }
    std::ranges::reverse(result.applied);
    if (!result.applied.empty()) {
      result.planner = std::make_shared<KumaPlanner>(std::move(conf), kind, options_);
    }
    return result;
  }

 private:
  // Why the aim does not count for this target; empty: it does.
  [[nodiscard]] std::string_view obstacle(const Aim& aim, const Target& target) const {
    if (target.service.load_balancing.mode == model::RoutingMode::kPassthrough) {
      return "the service passes connections through";
    }
    if (aim.strategy->kind == Kind::kCircuitBreaker && !aim.to->conf.outlier) {
      return "sets no outlierDetection";
    }
    if (!mesh_.empty() && aim.strategy->mesh != mesh_) return "of another mesh (--kuma-mesh)";
    const auto selected = select_clients(aim.strategy->client, target, options_.zone_label);
    const bool counts = selected == Selected::kAll || selected == Selected::kSome;
    return counts ? std::string_view() : why_not(selected);
  }

  std::string mesh_;
  Options options_;
  std::vector<Aim> aims_;
};

}  // namespace

std::unique_ptr<const Rules> make_rules(std::span<const Document* const> documents,
                                        const Settings& settings) {
  return std::make_unique<KumaRules>(documents, settings);
}

}  // namespace vicinity::policy::kuma
