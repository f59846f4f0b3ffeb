// The three requests a delta stream needs, as bytes. Control thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "feed/xds/options.h"
#include "feed/xds/version_store.h"
#include "model/snapshot.h"

namespace vicinity::feed::xds {

// "ztunnel~IP~POD.NS~NS.svc.cluster.local".
[[nodiscard]] std::string node_id(const NodeIdentity& node);

// Opens a stream: who we are, a wildcard subscription, and the versions of what is held, services
// first, until `max_bytes` are full. What is in the request is marked as claimed, all else that is
// held as pending.
[[nodiscard]] std::string first_request(const NodeIdentity& node, const model::Snapshot& snapshot,
                                        VersionStore& versions, size_t max_bytes);
[[nodiscard]] std::string ack_request(std::string_view nonce);
// `message` goes into error_detail, as INVALID_ARGUMENT.
[[nodiscard]] std::string nack_request(std::string_view nonce, std::string_view message);

// Calls `each(name)` for the resource name of everything in the snapshot, services first,
// workloads in no order.
template <class Each>
void for_each_name(const model::Snapshot& snapshot, Each each) {
  for (const model::SymbolId key : snapshot.service_keys()) each(snapshot.symbols().name(key));
  snapshot.for_each_workload([&](const model::Workload& workload) { each(workload.uid); });
}

}  // namespace vicinity::feed::xds
