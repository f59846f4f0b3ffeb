// What a table does not show: why a service has none, and at which of its addresses it is served.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <string>
#include <vector>

#include "compile/explain.h"

namespace vicinity::compile {
namespace {

using model::Audience;
using model::ServiceAddress;
using model::Serving;

std::string network_text(const ServiceAddress& address, const model::Symbols& symbols) {
  std::string prefix =
      model::prefix_text(model::masked(address.ip, address.length), address.length);
  if (symbols.name(address.network).empty()) return prefix;
  return fmt::format("{}/{}", symbols.name(address.network), prefix);
}

// Empty: nothing that needs words.
std::string served_text(const Serving& serving, const ServiceAddress& address) {
  if (serving.audience == Audience::kEveryone) return address.is_host() ? "" : "range served";
  return fmt::format("{}served to clients of its own namespace only",
                     address.is_host() ? "" : "range ");
}

// Empty: it is served to everyone, which needs no words unless it is a range.
std::string note_on(const model::Snapshot& snapshot, model::SymbolId service,
                    const ServiceAddress& address) {
  if (address.network != snapshot.self().place.network) return "not served: another network";
  std::vector<std::string> others;
  for (const Serving& one : snapshot.serving(address.ip, address.length)) {
    if (one.service == service) return served_text(one, address);
    const bool everyone = one.audience == Audience::kEveryone;
    others.push_back(fmt::format("{}{}", snapshot.symbols().name(one.service),
                                 everyone ? "" : " (own namespace)"));
  }
  if (others.empty()) return "not served";
  return fmt::format("not served: belongs to {}", fmt::join(others, ", "));
}

}  // namespace

std::vector<std::string> service_notes(const model::Snapshot& snapshot, model::SymbolId key,
                                       const CompileOptions& options) {
  const model::Service* service = snapshot.find_service(key);
  if (service == nullptr) return {};
  std::vector<std::string> notes;
  if (const std::string why = options.exclusions.reason(snapshot, key); !why.empty()) {
    notes.push_back("left alone: excluded by " + why);
  } else if (service->has_waypoint && options.waypoint_services == WaypointServices::kLeave) {
    notes.emplace_back("left alone: it has a waypoint");
  }
  if (service->addresses.empty()) {
    notes.emplace_back("headless: it has no address that a connection could be sent to");
    return notes;
  }
  if (snapshot.owned(key).empty()) notes.emplace_back("owns none of its addresses on this node");
  for (const ServiceAddress& address : service->addresses) {
    const std::string note = note_on(snapshot, key, address);
    if (note.empty()) continue;
    notes.push_back(fmt::format("{}: {}", network_text(address, snapshot.symbols()), note));
  }
  return notes;
}

}  // namespace vicinity::compile
