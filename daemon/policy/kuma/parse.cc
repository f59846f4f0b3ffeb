// MeshLoadBalancingStrategy and MeshCircuitBreaker: the document around its parts.
#include "policy/kuma/parse.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace vicinity::policy::kuma {
namespace {

constexpr std::string_view kSystemNamespace = "kuma-system";

template <class Value>
struct Named {
  std::string_view name;
  Value value;
};

constexpr std::array kOrigins{Named<Origin>{"global", Origin::kGlobal},
                              Named<Origin>{"zone", Origin::kZone}};
constexpr std::array kRoles{
    Named<Role>{"system", Role::kSystem}, Named<Role>{"producer", Role::kProducer},
    Named<Role>{"consumer", Role::kConsumer}, Named<Role>{"workload-owner", Role::kWorkloadOwner}};

template <class Value, size_t N>
void read_named(const Node& labels, std::string_view key, const std::array<Named<Value>, N>& known,
                Value& value) {
  const Node* label = labels.find(key);
  if (label == nullptr) return;
  const auto found = std::ranges::find(known, label->scalar, &Named<Value>::name);
  if (found != known.end()) value = found->value;
}

void read_labels(const Node* labels, Strategy& strategy) {
  if (labels == nullptr) return;
  const Node* mesh = labels->find("kuma.io/mesh");
  if (mesh != nullptr && !mesh->scalar.empty()) strategy.mesh = mesh->scalar;
  read_named(*labels, "kuma.io/origin", kOrigins, strategy.origin);
  read_named(*labels, "kuma.io/policy-role", kRoles, strategy.role);
}

// Universal's shape has neither apiVersion nor metadata.
void check_universal(Fields& document, Strategy& strategy) {
  document.take("type");
  for (const std::string_view field : {"creationTime", "modificationTime", "kri"}) {
    document.take(field);
  }
  if (document.text("name").value_or("").empty()) document.error("name", "missing");
  if (auto mesh = document.text("mesh"); mesh && !mesh->empty()) strategy.mesh = *std::move(mesh);
  if (const Node* labels = document.take("labels"); labels != nullptr) {
    const std::string mesh = strategy.mesh;
    read_labels(labels, strategy);
    strategy.mesh = mesh;
  }
}

void check_shape(Fields& document, Strategy& strategy) {
  if (document.node().find("type") != nullptr) {
    check_universal(document, strategy);
    return;
  }
  check_object(document);
  const Node* metadata = document.node().find("metadata");
  if (metadata != nullptr) read_labels(metadata->find("labels"), strategy);
}

// What the list beside the balancer says may still come from another policy.
void warn_without_hash(const Conf& conf, Fields& at) {
  if (!conf.balancer || !conf.balancer->type || conf.balancer->by_source) return;
  const Algorithm type = *conf.balancer->type;
  if (type != Algorithm::kRingHash && type != Algorithm::kMaglev) return;
  at.warning(
      "loadBalancer",
      "no hash policies: there is nothing to hash, so every choice is random; add one of type "
      "Connection with sourceIP");
}

constexpr std::array kBreakerUnsupported{
    Unsupported{"connectionLimits", Severity::kWarning,
                "are not enforced: a connection is only given a destination; keep a proxy for "
                "them"},
};
constexpr std::array kInboundUnsupported{
    Unsupported{"from", Severity::kWarning,
                "is not used: inbound connections do not pass here; keep the service's proxy"},
    Unsupported{"rules", Severity::kWarning,
                "are not used: inbound connections do not pass here; keep the service's proxy"},
};

void parse_breaker(Fields& conf, To& to) {
  if (Fields outlier = conf.map("outlierDetection"); outlier.present()) {
    to.conf.outlier = parse_outlier(std::move(outlier));
  }
  conf.unsupported(kBreakerUnsupported);
}

void parse_balancing(Fields& conf, To& to) {
  if (Fields locality = conf.map("localityAwareness"); locality.present()) {
    to.conf.locality = parse_locality(std::move(locality));
  }
  if (Fields balancer = conf.map("loadBalancer"); balancer.present()) {
    to.conf.balancer = parse_balancer(std::move(balancer));
  }
  if (const auto by_source = parse_hash_policies(conf)) {
    if (!to.conf.balancer) to.conf.balancer.emplace();
    to.conf.balancer->by_source = by_source;
  }
  warn_without_hash(to.conf, conf);
}

To parse_to(Fields item, std::string_view own, Kind kind) {
  To to;
  Fields ref = item.map("targetRef");
  if (!ref.present()) item.error("targetRef", "missing");
  to.target = parse_service_ref(std::move(ref), own);
  Fields conf = item.map("default");
  if (kind == Kind::kCircuitBreaker) {
    parse_breaker(conf, to);
  } else {
    parse_balancing(conf, to);
  }
  conf.finish();
  item.finish();
  return to;
}

void parse_spec(Fields spec, std::string_view own, Strategy& strategy) {
  if (Fields ref = spec.map("targetRef"); ref.present()) {
    strategy.client = parse_client_ref(std::move(ref), own);
  }
  const auto items = spec.list("to");
  const bool breaker = strategy.kind == Kind::kCircuitBreaker;
  if (items.empty() && spec.node().find("to") == nullptr && !breaker) spec.error("to", "missing");
  for (size_t i = 0; i < items.size(); ++i) {
    Fields item(items[i], item_path(spec.path_of("to"), i), spec.diagnostics());
    if (item.present()) strategy.to.push_back(parse_to(std::move(item), own, strategy.kind));
  }
  if (breaker) spec.unsupported(kInboundUnsupported);
  spec.finish();
}

}  // namespace

std::shared_ptr<const Strategy> parse_strategy(const DocumentId& id, const Node& root,
                                               Diagnostics& out) {
  auto strategy = std::make_shared<Strategy>();
  strategy->name = id.name;
  if (id.kind == kCircuitBreakerKind) strategy->kind = Kind::kCircuitBreaker;
  Fields document(root, {}, out);
  check_shape(document, *strategy);
  Fields spec = document.map("spec");
  if (!spec.present()) document.error("spec", "missing");
  // Policies of the system namespace are for services of every namespace.
  const std::string own = id.name_space == kSystemNamespace ? std::string() : id.name_space;
  if (spec.present()) parse_spec(std::move(spec), own, *strategy);
  document.finish();
  if (out.has_errors()) return nullptr;
  return strategy;
}

}  // namespace vicinity::policy::kuma
