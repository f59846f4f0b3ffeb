#include "policy/kuma/clients.h"

#include <algorithm>
#include <string_view>

#include "policy/labels.h"

namespace vicinity::policy::kuma {
namespace {

using model::SymbolId;

constexpr std::string_view kServiceTag = "kuma.io/service";
constexpr std::string_view kZoneTag = "kuma.io/zone";
constexpr std::string_view kNamespaceTag = "k8s.kuma.io/namespace";

// The service tag of a client as a name: "web", or "web_demo_svc_80".
ServiceName service_of_tag(std::string_view tag) {
  if (auto name = parse_service_tag(tag)) return *std::move(name);
  return {.name = std::string(tag), .name_space = {}, .port = {}};
}

bool same_service(const ServiceName& wanted, const ServiceName& has) {
  if (wanted.name != has.name) return false;
  if (!wanted.name_space.empty() && !has.name_space.empty() &&
      wanted.name_space != has.name_space) {
    return false;
  }
  return !wanted.port || !has.port || *wanted.port == *has.port;
}

enum class Answer : uint8_t { kYes, kNo, kUnknown };

Answer answer(bool yes) { return yes ? Answer::kYes : Answer::kNo; }

// Whether the absence of such a label is told: of a pod, of the client a plan is made for.
bool tells(const model::Workload& /*pod*/, LabelField field) { return field != LabelField::kOther; }
bool tells(const model::ClientContext& /*client*/, LabelField field) {
  return field < LabelField::kCanonicalName;
}

// Which services a client is an endpoint of, is known of pods.
Answer is_endpoint(const model::Workload& pod, const ServiceName& service,
                   const model::Symbols& symbols) {
  return answer(std::ranges::any_of(pod.bindings, [&](const model::Binding& binding) {
    const bool has_port =
        !service.port || std::ranges::find(binding.ports, *service.port,
                                           &model::Port::service_port) != binding.ports.end();
    return has_port && names(service, symbols.name(binding.service));
  }));
}
Answer is_endpoint(const model::ClientContext& client, const ServiceName& /*service*/,
                   const model::Symbols& /*symbols*/) {
  return client.labels.empty() ? Answer::kUnknown : Answer::kNo;
}

// What can be asked of a pod, or of the client that a plan is made for.
template <class Subject>
class Client {
 public:
  Client(const Subject& subject, const model::Symbols& symbols, std::string_view zone_label)
      : subject_(subject), symbols_(symbols), zone_label_(zone_label) {}

  [[nodiscard]] Answer has_tag(std::string_view tag, std::string_view value) const {
    const std::string_view name = tag == kZoneTag ? zone_label_ : tag;
    SymbolId has = LabelName(name, symbols_).of(subject_);
    if (tag == kNamespaceTag && has.empty()) has = subject_.name_space;
    if (!has.empty()) return answer(symbols_.name(has) == value);
    const bool told = tells(subject_, label_field(name)) || !subject_.labels.empty();
    return told ? answer(value.empty()) : Answer::kUnknown;
  }

  [[nodiscard]] Answer is_of(const ServiceName& service) const {
    const SymbolId tag = LabelName(kServiceTag, symbols_).of(subject_);
    if (tag.empty()) return is_endpoint(subject_, service, symbols_);
    return answer(same_service(service, service_of_tag(symbols_.name(tag))));
  }

 private:
  const Subject& subject_;
  const model::Symbols& symbols_;
  std::string_view zone_label_;
};

template <class Subject>
Answer matches(const ClientRef& ref, const Client<Subject>& client) {
  Answer all = Answer::kYes;
  const auto add = [&all](Answer one) {
    if (all == Answer::kNo || one == Answer::kYes) return;
    all = one;
  };
  if (ref.service) add(client.is_of(*ref.service));
  for (const auto& [tag, value] : ref.tags) {
    add(tag == kServiceTag ? client.is_of(service_of_tag(value)) : client.has_tag(tag, value));
  }
  return all;
}

// What all pods of the node come to.
Selected select_pods(const ClientRef& ref, const model::Snapshot& node,
                     const std::string& zone_label) {
  size_t yes = 0;
  size_t unknown = 0;
  size_t all = 0;
  node.for_each_local_pod([&](const model::Workload& pod) {
    const Answer one = matches(ref, Client(pod, node.symbols(), zone_label));
    if (one == Answer::kYes) ++yes;
    if (one == Answer::kUnknown) ++unknown;
    ++all;
  });
  if (yes > 0) return yes == all ? Selected::kAll : Selected::kSome;
  return unknown > 0 || all == 0 ? Selected::kUnknown : Selected::kNone;
}

}  // namespace

Selected select_clients(const ClientRef& ref, const Target& target, const std::string& zone_label) {
  if (!ref.service && ref.tags.empty()) return Selected::kAll;
  const Answer context = matches(ref, Client(target.client, target.symbols, zone_label));
  // The node as a whole is known by its place, whichever pods it has.
  if (context == Answer::kYes) return Selected::kAll;
  if (context == Answer::kNo) return Selected::kNone;
  return target.node == nullptr ? Selected::kUnknown : select_pods(ref, *target.node, zone_label);
}

}  // namespace vicinity::policy::kuma
