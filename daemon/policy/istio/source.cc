#include "policy/istio/source.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "policy/istio/mesh_shape.h"
#include "policy/istio/parse.h"
#include "policy/istio/rules.h"

namespace vicinity::policy::istio {
namespace {

constexpr std::string_view kGroup = "networking.istio.io";
constexpr std::string_view kMeshKind = "MeshConfig";
constexpr std::array<std::string_view, 3> kVersions{"v1", "v1beta1", "v1alpha3"};

struct Advice {
  std::string_view kind;
  std::string_view text;
};
constexpr std::array kOtherKinds{
    Advice{"VirtualService",
           "is not used: routes are chosen per request, which is not seen at connect time; use a "
           "waypoint or a gateway for them"},
    Advice{"ServiceEntry", "is not used: its services come from the feed"},
    Advice{"WorkloadEntry", "is not used: its workloads come from the feed"},
    Advice{"WorkloadGroup", "is not used: its workloads come from the feed"},
    Advice{"Gateway", "is not used: connections from outside never connect() on a node"},
    Advice{"Sidecar", "is not used: there is no sidecar to configure"},
    Advice{"EnvoyFilter", "is not used: there is no Envoy to configure"},
    Advice{"ProxyConfig", "is not used: there is no proxy to configure"},
};

bool is_istio(const TypeName& type) {
  return type.group == "istio.io" || type.group.ends_with(".istio.io");
}

// A DestinationRule without a namespace is taken to be of the one in its host: that is where most
// of them belong.
std::string namespace_for(const Node& root) {
  const Node* spec = root.find("spec");
  const Node* host = spec == nullptr ? nullptr : spec->find("host");
  std::string name_space =
      host != nullptr && host->is_scalar() ? namespace_of_host(host->scalar) : std::string();
  return name_space.empty() ? "default" : name_space;
}

class IstioSource final : public Source {
 public:
  [[nodiscard]] std::string_view name() const override { return "istio"; }

  [[nodiscard]] std::optional<DocumentId> claim(const Node& root) const override {
    // One mesh, one MeshConfig, wherever it stands.
    if (mesh_shape(root) != MeshShape::kNone) {
      return DocumentId{.kind = std::string(kMeshKind), .name_space = {}, .name = "mesh"};
    }
    const auto type = type_of(root);
    if (!type || !is_istio(*type)) return std::nullopt;
    return object_id(root, namespace_for(root));
  }

  [[nodiscard]] std::shared_ptr<const Spec> parse(const DocumentId& id, const Node& root,
                                                  Diagnostics& out) const override {
    if (id.kind == kMeshKind) return parse_mesh_config(root, out);
    const auto type = type_of(root);
    if (!type) return nullptr;
    if (type->group == kGroup && type->kind == "DestinationRule") {
      check_version(*type, root, out);
      return parse_destination_rule(root, id.name_space, out);
    }
    diagnose_other(*type, root, out);
    return nullptr;
  }

  [[nodiscard]] std::unique_ptr<const Rules> rules(std::span<const Document* const> documents,
                                                   const Settings& settings) const override {
    return make_rules(documents, settings);
  }

 private:
  static void check_version(const TypeName& type, const Node& root, Diagnostics& out) {
    if (std::ranges::find(kVersions, std::string_view(type.version)) != kVersions.end()) return;
    out.error(root, "apiVersion",
              fmt::format("'{}' is not one of v1, v1beta1, v1alpha3", type.version));
  }

  static void diagnose_other(const TypeName& type, const Node& root, Diagnostics& out) {
    const auto known = std::ranges::find(kOtherKinds, std::string_view(type.kind), &Advice::kind);
    if (type.group == kGroup && known == kOtherKinds.end()) {
      out.error(root, "kind", fmt::format("{} is not a kind of {}", type.kind, type.group));
    } else if (known != kOtherKinds.end()) {
      out.warning(root, "kind", fmt::format("{} {}", type.kind, known->text));
    } else {
      out.warning(root, "kind",
                  fmt::format("{} of {} is not used: it says nothing about where connections go",
                              type.kind, type.group));
    }
  }
};

}  // namespace

const Source& source() {
  static const IstioSource istio;
  return istio;
}

}  // namespace vicinity::policy::istio
