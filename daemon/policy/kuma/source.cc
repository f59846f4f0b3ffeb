#include "policy/kuma/source.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "policy/kuma/parse.h"
#include "policy/kuma/rules.h"

namespace vicinity::policy::kuma {
namespace {

constexpr std::string_view kGroup = "kuma.io";
constexpr std::string_view kVersion = "v1alpha1";

struct Advice {
  std::string_view kind;
  std::string_view text;
};
constexpr std::string_view kHealth =
    "is not used: endpoints leave when the control plane reports them unhealthy; use a readiness "
    "probe";
constexpr std::string_view kRoutes =
    "is not used: routes are chosen by a proxy, and there is none at connect time; keep the "
    "service's proxy for them";
constexpr std::array kOtherKinds{
    Advice{"MeshProxyPatch",
           "is not used: there is no Envoy to patch; connections are balanced one by one, so "
           "nothing has to limit the requests of one"},
    Advice{"MeshHealthCheck", kHealth},
    Advice{"MeshHTTPRoute", kRoutes},
    Advice{"MeshTCPRoute", kRoutes},
    Advice{"ZoneEgress",
           "is not used: connections go to the endpoints of other zones directly; where those are "
           "not reachable, keep the service's proxy"},
    Advice{"ZoneIngress",
           "is not used: connections go to the endpoints of other zones directly; where those are "
           "not reachable, keep the service's proxy"},
};

std::string text_at(const Node& node, std::string_view key) {
  const Node* member = node.find(key);
  return member != nullptr && member->is_scalar() ? member->scalar : std::string();
}

bool is_kuma_kind(std::string_view kind) {
  return kind.starts_with("Mesh") || kind.starts_with("Zone") || kind == "Dataplane";
}

// Universal's shape: type, mesh and name at the top. The mesh stands for the namespace there.
std::optional<DocumentId> claim_universal(const Node& root) {
  const std::string type = text_at(root, "type");
  if (root.find("apiVersion") != nullptr || !is_kuma_kind(type)) return std::nullopt;
  return DocumentId{.kind = type, .name_space = {}, .name = text_at(root, "name")};
}

class KumaSource final : public Source {
 public:
  [[nodiscard]] std::string_view name() const override { return "kuma"; }

  [[nodiscard]] std::optional<DocumentId> claim(const Node& root) const override {
    if (auto id = claim_universal(root)) return id;
    const auto type = type_of(root);
    if (!type || type->group != kGroup) return std::nullopt;
    return object_id(root, {});
  }

  [[nodiscard]] std::shared_ptr<const Spec> parse(const DocumentId& id, const Node& root,
                                                  Diagnostics& out) const override {
    const auto type = type_of(root);
    if (id.kind != kStrategyKind && id.kind != kCircuitBreakerKind) {
      diagnose_other(id.kind, root, out);
      return nullptr;
    }
    if (type && type->version != kVersion) {
      out.error(root, "apiVersion", fmt::format("'{}' is not {}", type->version, kVersion));
    }
    return parse_strategy(id, root, out);
  }

  [[nodiscard]] std::unique_ptr<const Rules> rules(std::span<const Document* const> documents,
                                                   const Settings& settings) const override {
    return make_rules(documents, settings);
  }

 private:
  static void diagnose_other(std::string_view kind, const Node& root, Diagnostics& out) {
    const std::string_view field = root.find("type") != nullptr ? "type" : "kind";
    const auto known = std::ranges::find(kOtherKinds, kind, &Advice::kind);
    if (known != kOtherKinds.end()) {
      out.warning(root, std::string(field), fmt::format("{} {}", kind, known->text));
      return;
    }
    out.warning(root, std::string(field),
                fmt::format("{} is not used: it says nothing about where connections go", kind));
  }
};

}  // namespace

const Source& source() {
  static const KumaSource kuma;
  return kuma;
}

}  // namespace vicinity::policy::kuma
