// One caller of the Trace call, from the first look to the last. Runs on one of gRPC's threads.
#pragma once

#include <grpcpp/grpcpp.h>

#include "admin/control_queue.h"
#include "proto/vicinity/admin.pb.h"

namespace vicinity::admin {

// Returns when the caller has gone, or control has.
[[nodiscard]] absl::Status run_trace(ControlQueue& queue, const TraceRequest& request,
                                     grpc::ServerContext& context,
                                     grpc::ServerWriter<TraceReply>& writer);

}  // namespace vicinity::admin
