// The Transport over gRPC: one channel per attempt, so that names are resolved, certificates and
// token read, and connections made anew each time, and gRPC's own reconnecting never hides ours.
// stream.cc is the only file of the feed that includes gRPC.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "feed/xds/options.h"
#include "feed/xds/transport.h"

namespace vicinity::feed::xds {

[[nodiscard]] std::unique_ptr<Transport> make_grpc_transport(const XdsOptions& options);

// The channel arguments that `options` lead to.
[[nodiscard]] std::vector<std::pair<std::string, int>> channel_settings(const XdsOptions& options);

}  // namespace vicinity::feed::xds
