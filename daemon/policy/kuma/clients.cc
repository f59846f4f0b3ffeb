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

// What can be asked of the client that a plan is made for.
class ContextClient {
 public:
  ContextClient(const Target& target, std::string_view zone_label)
      : target_(target), zone_label_(zone_label) {}

  [[nodiscard]] Answer has_tag(std::string_view tag, std::string_view value) const {
    const std::string_view name = tag == kZoneTag ? zone_label_ : tag;
    SymbolId has = LabelName(name, target_.symbols).of(target_.client);
    if (tag == kNamespaceTag && has.empty()) has = target_.client.name_space;
    if (!has.empty()) return answer(target_.symbols.name(has) == value);
    const bool told = label_field(name) < LabelField::kCanonicalName || labels_known();
    return told ? answer(value.empty()) : Answer::kUnknown;
  }

  [[nodiscard]] Answer is_of(const ServiceName& service) const {
    const SymbolId tag = LabelName(kServiceTag, target_.symbols).of(target_.client);
    if (!tag.empty()) {
      return answer(same_service(service, service_of_tag(target_.symbols.name(tag))));
    }
    return labels_known() ? Answer::kNo : Answer::kUnknown;
  }

 private:
  [[nodiscard]] bool labels_known() const { return !target_.client.labels.empty(); }

  const Target& target_;
  std::string_view zone_label_;
};

template <class Client>
Answer matches(const ClientRef& ref, const Client& client) {
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

}  // namespace

Selected select_clients(const ClientRef& ref, const Target& target, const std::string& zone_label) {
  if (!ref.service && ref.tags.empty()) return Selected::kAll;
  switch (matches(ref, ContextClient(target, zone_label))) {
    case Answer::kYes:
      return Selected::kAll;
    case Answer::kNo:
      return Selected::kNone;
    case Answer::kUnknown:
      return Selected::kUnknown;
  }
  return Selected::kUnknown;
}

}  // namespace vicinity::policy::kuma
