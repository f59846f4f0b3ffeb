// The two targetRefs: whose connections, and to which services.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "policy/kuma/parse.h"
#include "policy/labels.h"

namespace vicinity::policy::kuma {
namespace {

struct KindName {
  std::string_view name;
  ClientKind kind;
};
constexpr std::array kClientKinds{KindName{"Mesh", ClientKind::kMesh},
                                  KindName{"MeshSubset", ClientKind::kSubset},
                                  KindName{"MeshService", ClientKind::kService},
                                  KindName{"MeshServiceSubset", ClientKind::kServiceSubset},
                                  KindName{"Dataplane", ClientKind::kDataplane}};

// What is no kind here, and why.
struct Advice {
  std::string_view kind;
  std::string_view text;
};
constexpr std::array kOtherClients{
    Advice{"MeshGateway", "gateways are not balanced here; keep the policy in Kuma"},
    Advice{"MeshHTTPRoute", "HTTP routes are not seen at connect time; keep the policy in Kuma"}};
constexpr std::array kOtherServices{
    Advice{"MeshSubset", "destinations are services; name them by MeshService"},
    Advice{"MeshServiceSubset",
           "a service has no subsets here; make the subset a service of its own"},
    Advice{"MeshExternalService",
           "external services are not balanced here; keep the policy in Kuma"},
    Advice{"MeshHTTPRoute", "HTTP routes are not seen at connect time; keep the policy in Kuma"}};

constexpr std::string_view kDisplayName = "kuma.io/display-name";
constexpr std::string_view kNamespaceTag = "k8s.kuma.io/namespace";
constexpr std::string_view kServiceTag = "kuma.io/service";
constexpr std::string_view kZoneTag = "kuma.io/zone";

std::string_view advice_for(std::span<const Advice> advices, std::string_view kind) {
  const auto found = std::ranges::find(advices, kind, &Advice::kind);
  return found == advices.end() ? std::string_view() : found->text;
}

// An error at `kind`, with advice where there is some.
void reject_kind(Fields& ref, std::string_view kind, std::string_view advice,
                 std::string_view known) {
  if (kind.empty()) {
    ref.error("kind", "missing");
  } else if (!advice.empty()) {
    ref.error("kind", fmt::format("{} is not supported: {}", kind, advice));
  } else {
    ref.error("kind", fmt::format("'{}' is not one of {}", kind, known));
  }
}

std::map<std::string, std::string> parse_texts(Fields fields) {
  std::map<std::string, std::string> texts;
  for (const policy::Entry& member : fields.node().members) {
    texts.emplace(member.key, fields.text(member.key).value_or(""));
  }
  return texts;
}

ServiceName name_of(Fields& ref, std::string_view own) {
  const std::string name = ref.text("name").value_or("");
  auto name_space = ref.text("namespace");
  if (name.empty()) ref.error("name", "missing");
  if (!name_space) {
    if (auto tag = parse_service_tag(name)) return *std::move(tag);
    name_space = own;
  }
  return {.name = name, .name_space = *name_space, .port = {}};
}

void check_proxy_types(Fields& ref) {
  const auto types = ref.texts("proxyTypes");
  if (types.empty() || std::ranges::find(types, "Sidecar") != types.end()) return;
  ref.error("proxyTypes", "only Gateway: gateways are not balanced here");
}

// Fields of other kinds that nobody has taken, and unknown ones.
void finish_ref(Fields& ref, std::string_view kind) {
  check_proxy_types(ref);
  ref.take("mesh");
  constexpr std::array<std::string_view, 5> kRest{"name", "namespace", "tags", "labels",
                                                  "sectionName"};
  for (const std::string_view field : kRest) {
    if (ref.take_rest(field)) ref.error(field, fmt::format("does not go with kind {}", kind));
  }
  ref.finish();
}

void warn_about_tag(Fields& ref, std::string_view field, std::string_view tag) {
  if (label_field(tag) != LabelField::kOther || tag == kServiceTag || tag == kZoneTag ||
      tag == kNamespaceTag) {
    return;
  }
  ref.warning(field, fmt::format("tag {} is a label, which WDS does not carry: it selects clients "
                                 "only where a mesh file gives their labels",
                                 tag));
}

// A section is a port: by number, or by a name that WDS does not know.
void parse_section(Fields& ref, ServiceRef& result) {
  const auto section = ref.text("sectionName");
  if (!section) return;
  result.section = true;
  uint16_t port = 0;
  const char* end = section->data() + section->size();
  const auto parsed = std::from_chars(section->data(), end, port);
  if (parsed.ec == std::errc() && parsed.ptr == end && port != 0) {
    result.service->port = port;
    return;
  }
  ref.warning("sectionName",
              fmt::format("'{}' names a port, and WDS does not carry names of ports: the policy is "
                          "for every port of the service; write the port's number to narrow it",
                          *section));
}

// MeshServices by labels: only those two can be told from WDS.
ServiceName name_of_labels(Fields labels) {
  ServiceName result;
  for (const policy::Entry& member : labels.node().members) {
    const std::string value = labels.text(member.key).value_or("");
    if (member.key == kDisplayName) {
      result.name = value;
    } else if (member.key == kNamespaceTag) {
      result.name_space = value;
    } else {
      labels.error(member.key, "services have no labels in WDS; use name and namespace");
    }
  }
  if (result.name.empty() && labels.node().find(kDisplayName) == nullptr) {
    labels.error(kDisplayName, "missing: services are known by name here");
  }
  return result;
}

}  // namespace

ClientRef parse_client_ref(Fields ref, std::string_view own) {
  ClientRef result;
  const std::string kind = ref.text("kind").value_or("");
  const auto known = std::ranges::find(kClientKinds, kind, &KindName::name);
  if (known == kClientKinds.end()) {
    reject_kind(ref, kind, advice_for(kOtherClients, kind),
                "Mesh, MeshSubset, MeshService, MeshServiceSubset, Dataplane");
    return result;
  }
  result.kind = known->kind;
  const bool by_service = kind == "MeshService" || kind == "MeshServiceSubset";
  if (by_service) result.service = name_of(ref, own);
  if (kind == "MeshSubset" || kind == "MeshServiceSubset") {
    result.tags = parse_texts(ref.map("tags"));
    for (const auto& [tag, value] : result.tags) warn_about_tag(ref, "tags", tag);
  }
  if (kind == "Dataplane") {
    result.tags = parse_texts(ref.map("labels"));
    for (const auto& [tag, value] : result.tags) warn_about_tag(ref, "labels", tag);
    if (ref.take("name") != nullptr) {
      ref.error("name", "clients are not known by name here; select them by labels");
    }
  }
  finish_ref(ref, kind);
  return result;
}

ServiceRef parse_service_ref(Fields ref, std::string_view own) {
  ServiceRef result;
  if (!ref.present()) return result;
  const std::string kind = ref.text("kind").value_or("");
  const bool by_name = kind == "MeshService" || kind == "MeshMultiZoneService";
  if (kind != "Mesh" && !by_name) {
    reject_kind(ref, kind, advice_for(kOtherServices, kind),
                "Mesh, MeshService, MeshMultiZoneService");
    return result;
  }
  if (by_name) {
    Fields labels = ref.map("labels");
    result.service = labels.present() ? name_of_labels(std::move(labels)) : name_of(ref, own);
    result.section = result.service->port.has_value();
    parse_section(ref, result);
  }
  finish_ref(ref, kind);
  return result;
}

}  // namespace vicinity::policy::kuma
