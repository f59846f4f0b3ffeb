#include "departures.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "base/status.h"
#include "policy/eligibility.h"
#include "telemetry/log.h"

namespace vicinity {
namespace {

using dataplane::Origin;
using dataplane::SocketEnd;

// Every endpoint that a socket which asked for `end` may still have: whatever their health, and
// whatever else the table has, like a gateway that stands for workloads behind it.
std::set<SocketEnd> endpoints_of(const SocketEnd& end, model::SymbolId service,
                                 const model::Snapshot& snapshot,
                                 const dataplane::Dataplane& dataplane) {
  std::set<SocketEnd> known;
  const policy::PortQuery query = {
      .service = service, .port = end.port, .family = end.address.family};
  for (const policy::Endpoint& endpoint : policy::bound_endpoints(snapshot, query)) {
    known.insert({.address = endpoint.address, .port = endpoint.port});
  }
  const auto table = dataplane.read(snapshot.symbols().name(service));
  if (!table) return known;
  for (const compile::PortTable& port : table->ports) {
    if (port.port != end.port || port.family != end.address.family) continue;
    for (const compile::Slot& slot : port.slots) known.insert({slot.address, slot.port});
  }
  return known;
}

// What the model says of one service address and port.
struct Known {
  bool has_service = false;
  std::set<SocketEnd> endpoints;
};

Known known_at(const SocketEnd& end, const model::Snapshot& snapshot,
               const dataplane::Dataplane& dataplane) {
  // A client may have been served by its own namespace's service, or by everyone's.
  Known known;
  const auto length = static_cast<uint8_t>(model::family_bits(end.address.family));
  for (const model::Serving& serving : snapshot.serving(end.address, length)) {
    if (snapshot.find_service(serving.service) == nullptr) continue;
    known.has_service = true;
    known.endpoints.merge(endpoints_of(end, serving.service, snapshot, dataplane));
  }
  return known;
}

// Without a service to ask, the workloads have to say whether their address is still there.
void find_removed(std::vector<Departure>& orphans, const model::Snapshot& snapshot) {
  if (orphans.empty()) return;
  std::set<model::IpAddress> alive;
  snapshot.for_each_workload([&](const model::Workload& workload) {
    for (const Departure& orphan : orphans) {
      const auto& address = orphan.origin.backend.address;
      if (std::ranges::find(workload.addresses, address) != workload.addresses.end())
        alive.insert(address);
    }
  });
  for (Departure& orphan : orphans) {
    orphan.removed = !alive.contains(orphan.origin.backend.address);
  }
}

}  // namespace

std::vector<Departure> departed(const std::vector<Origin>& origins, const model::Snapshot& snapshot,
                                const dataplane::Dataplane& dataplane) {
  std::map<SocketEnd, Known> known;
  std::vector<Departure> gone;
  std::vector<Departure> orphans;
  for (const Origin& origin : origins) {
    auto [entry, is_new] = known.try_emplace(origin.service);
    if (is_new) entry->second = known_at(origin.service, snapshot, dataplane);
    if (entry->second.endpoints.contains(origin.backend)) continue;
    (entry->second.has_service ? gone : orphans).push_back({.origin = origin, .removed = true});
  }
  find_removed(orphans, snapshot);
  gone.insert(gone.end(), orphans.begin(), orphans.end());
  return gone;
}

void Departures::step(const model::Snapshot& snapshot, absl::Time now) {
  if (looks_due_ == 0 && !is_due(now)) return;
  if (looks_due_ > 0) --looks_due_;
  look(snapshot, now);
}

void Departures::look(const model::Snapshot& snapshot, absl::Time now) {
  const auto origins = sockets_.origins();
  if (!origins.ok()) {
    telemetry::log_event(telemetry::LogLevel::kError, "sockets not compared with the model",
                         {{"error", std::string(base::message(origins.status()))}});
    return;
  }
  const auto gone = departed(*origins, snapshot, dataplane_);
  retire(gone);
  drain(gone, now);
}

void Departures::retire(const std::vector<Departure>& gone) {
  for (const auto& [origin, removed] : gone) {
    if (!origin.gone && sockets_.retire(origin).ok()) ++retired_;
  }
}

// What was gone and is not any more has come back, or the socket was closed.
void Departures::drain(const std::vector<Departure>& gone, absl::Time now) {
  std::map<Origin, absl::Time> still;
  std::vector<Origin> due;
  for (const Departure& departure : gone) {
    if (!is_to_be_closed(departure)) continue;
    Origin socket = departure.origin;
    socket.gone = true;
    const auto known = draining_.find(socket);
    absl::Time since = known == draining_.end() ? now : known->second;
    if (since != absl::InfinitePast() && now - since >= options_.drain) {
      due.push_back(socket);
      since = absl::InfinitePast();
    }
    still.emplace(socket, since);
  }
  draining_ = std::move(still);
  if (!due.empty()) sockets_.close(std::move(due));
}

bool Departures::is_to_be_closed(const Departure& gone) const {
  if (!gone.removed || !gone.origin.connected || gone.origin.pair != 0) return false;
  if (options_.terminate == dataplane::Terminate::kAll) return true;
  return options_.terminate == dataplane::Terminate::kUdp &&
         gone.origin.transport == dataplane::Transport::kUdp;
}

bool Departures::is_due(absl::Time now) const {
  return std::ranges::any_of(draining_, [&](const auto& entry) {
    return entry.second != absl::InfinitePast() && now - entry.second >= options_.drain;
  });
}

}  // namespace vicinity
