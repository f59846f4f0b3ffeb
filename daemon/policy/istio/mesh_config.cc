// MeshConfig, in whichever of its shapes.
#include <fmt/format.h>
#include <array>

#include "policy/istio/mesh_shape.h"
#include "policy/istio/parse.h"

namespace vicinity::policy::istio {
namespace {

constexpr std::array kUnsupported{
    Unsupported{"defaultTrafficPolicy", Severity::kWarning,
                "is not used: write outlierDetection into the DestinationRules"},
    Unsupported{"defaultDestinationRuleExportTo", Severity::kWarning,
                "is not used: write exportTo into the DestinationRules"},
    Unsupported{"trustDomain", Severity::kWarning, "says nothing about where connections go"},
};

void warn_of_rest(Fields& at) {
  for (const policy::Entry& member : at.node().members) {
    if (at.take_rest(member.key)) {
      at.warning(member.key, "says nothing about where connections go, and is not used");
    }
  }
}

// MeshConfig has many more fields; they are about proxies.
void diagnose_others(Fields& mesh) {
  mesh.unsupported(kUnsupported);
  warn_of_rest(mesh);
}

bool has(const Node& node, std::string_view name) { return node.find(name) != nullptr; }

bool has_settings(const Node* node) {
  return node != nullptr && (has(*node, "localityLbSetting") || has(*node, "zoneAwareLbSetting"));
}

void read_mesh(Fields& mesh, MeshConfig& result) {
  if (Fields locality = mesh.map("localityLbSetting"); locality.present()) {
    result.locality = parse_locality_setting(std::move(locality));
  }
  if (Fields zones = mesh.map("zoneAwareLbSetting"); zones.present()) {
    result.zone_aware = parse_zone_aware(std::move(zones));
  }
  if (auto name = mesh.text("rootNamespace")) result.root_namespace = *std::move(name);
  diagnose_others(mesh);
}

void read_member(Fields& parent, std::string_view name, MeshConfig& result) {
  if (Fields mesh = parent.map(name); mesh.present()) read_mesh(mesh, result);
}

void read_object(Fields& document, MeshConfig& result) {
  for (const char* head : {"apiVersion", "kind", "metadata", "status"}) document.take(head);
  if (document.node().find("spec") != nullptr) {
    read_member(document, "spec", result);
    document.finish();
  } else {
    read_mesh(document, result);
  }
}

void read_operator(Fields& document, MeshConfig& result) {
  check_object(document);
  Fields spec = document.map("spec");
  read_member(spec, "meshConfig", result);
  const Node* values = spec.node().find("values");
  const bool hidden = values != nullptr && (has_settings(values->find("meshConfig")) ||
                                            has_settings(values->find("global")));
  if (hidden) {
    spec.take("values");
    spec.error("values", "its locality settings are not read: write them into spec.meshConfig");
  }
  warn_of_rest(spec);
  document.finish();
}

// The settings are YAML inside a block scalar, whose text begins on the line after the "|".
void read_config_map(Fields& document, MeshConfig& result) {
  Fields data = document.map("data");
  const Node* text = data.take("mesh");
  warn_of_rest(data);
  check_object(document);
  for (const std::string_view field : {"immutable", "binaryData"}) document.take(field);
  document.finish();
  if (text == nullptr) return;
  const Tree tree = read_tree(text->scalar, text->line + 1);
  Diagnostics& out = document.diagnostics();
  for (const Diagnostic& problem : tree.problems) {
    Node place;
    place.line = problem.line;
    out.error(place, "data.mesh", problem.message);
  }
  Fields mesh(tree.root, "data.mesh", out);
  read_mesh(mesh, result);
}

void read_helm(Fields& document, MeshConfig& result) {
  bool nested = false;
  for (const std::string_view name : {"meshConfig", "global"}) {
    if (document.node().find(name) == nullptr) continue;
    nested = true;
    read_member(document, name, result);
  }
  if (nested) {
    warn_of_rest(document);
  } else {
    read_mesh(document, result);
  }
}

}  // namespace

MeshShape mesh_shape(const Node& root) {
  const auto type = type_of(root);
  if (!type) {
    const bool headless = !has(root, "apiVersion") && !has(root, "kind");
    const bool settings = has_settings(&root) || has_settings(root.find("global")) ||
                          has_settings(root.find("meshConfig"));
    const Node* kind = root.find("kind");
    if (kind != nullptr && kind->scalar == "MeshConfig") return MeshShape::kObject;
    return headless && settings ? MeshShape::kHelm : MeshShape::kNone;
  }
  if (type->kind == "MeshConfig") return MeshShape::kObject;
  if (type->kind == "IstioOperator") return MeshShape::kOperator;
  const Node* data = root.find("data");
  const bool mesh_data = data != nullptr && has(*data, "mesh");
  if (type->group.empty() && type->kind == "ConfigMap" && mesh_data) return MeshShape::kConfigMap;
  return MeshShape::kNone;
}

std::shared_ptr<const MeshConfig> parse_mesh_config(const Node& root, Diagnostics& out) {
  auto mesh = std::make_shared<MeshConfig>();
  Fields document(root, {}, out);
  switch (mesh_shape(root)) {
    case MeshShape::kObject:
      read_object(document, *mesh);
      break;
    case MeshShape::kOperator:
      read_operator(document, *mesh);
      break;
    case MeshShape::kConfigMap:
      read_config_map(document, *mesh);
      break;
    case MeshShape::kHelm:
    case MeshShape::kNone:
      read_helm(document, *mesh);
      break;
  }
  if (out.has_errors()) return nullptr;
  return mesh;
}

}  // namespace vicinity::policy::istio
