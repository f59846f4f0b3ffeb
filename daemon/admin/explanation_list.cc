#include "admin/explanation_list.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>

#include "admin/dump.h"
#include "base/json.h"
#include "base/status.h"
#include "compile/explain_service.h"

namespace vicinity::admin {
namespace {

using compile::Explanation;
using Explanations = std::vector<Explanation>;

bool has(const Explanations& all, const Explanation& one) {
  return std::any_of(all.begin(), all.end(), [&](const Explanation& other) {
    return other.port == one.port && other.family == one.family;
  });
}

Explanations of_port(const Explanations& all, uint16_t port) {
  Explanations some;
  std::copy_if(all.begin(), all.end(), std::back_inserter(some),
               [port](const Explanation& one) { return one.port == port; });
  return some;
}

std::string array_text(const Explanations& all) {
  base::Json array = base::Json::array();
  for (const Explanation& one : all) array.push(to_json(one));
  return array.pretty();
}

void add_port(const Explanations& unasked, const Explanation& one, ServiceExplanations& to) {
  PortExplanation& port = *to.add_ports();
  port.set_port(one.port);
  port.set_family(one.family);
  port.set_unasked(has(unasked, one));
  port.set_table(to_table(one));
  port.set_json(to_json(one).pretty());
  const Explanations same_port = of_port(unasked, one.port);
  port.set_endpoints(compile::to_endpoints_table(same_port));
  port.set_endpoints_json(array_text(same_port));
}

ServiceExplanations record_of(const ControlView& view, model::SymbolId key) {
  const model::Snapshot& snapshot = view.snapshot();
  compile::ServiceQuestion question{
      .service = std::string(snapshot.symbols().name(key)), .port = {}, .family = {}};
  ServiceExplanations record;
  record.set_service(question.service);
  const auto unasked = explain_service(snapshot, question, snapshot.self(), view.options());
  if (!unasked.ok()) {
    record.set_error_code(static_cast<uint32_t>(unasked.status().code()));
    record.set_error(std::string(base::message(unasked.status())));
    return record;
  }
  record.set_endpoints(compile::to_endpoints_table(*unasked));
  record.set_endpoints_json(array_text(*unasked));
  for (const auto family : {model::Family::kIpv4, model::Family::kIpv6}) {
    question.family = family;
    const auto all = explain_service(snapshot, question, snapshot.self(), view.options());
    if (!all.ok()) continue;
    for (const Explanation& one : *all) add_port(*unasked, one, record);
  }
  return record;
}

}  // namespace

ExplanationsReply ExplanationList::next(const ControlView& view) {
  if (!services_) services_ = view.snapshot().service_keys();
  ExplanationsReply part;
  for (size_t bytes = 0; service_ < services_->size() && bytes < kPartBytes; ++service_) {
    const model::SymbolId key = (*services_)[service_];
    if (view.snapshot().find_service(key) == nullptr) continue;
    ServiceExplanations& record = *part.add_services();
    record = record_of(view, key);
    bytes += record.ByteSizeLong();
  }
  return part;
}

}  // namespace vicinity::admin
