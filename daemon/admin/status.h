// The daemon's status as the admin protocol says it, and the source of a fresh one. Any thread.
#pragma once

#include "admin/control_queue.h"
#include "proto/vicinity/admin.pb.h"
#include "telemetry/published.h"

namespace vicinity::admin {

// Asks control to sample, and waits for it a little; a busy control thread gives the last sample.
// Both arguments outlive the source.
[[nodiscard]] telemetry::StatusSource fresh_status(ControlQueue& queue,
                                                   const telemetry::PublishedCell& cell);

[[nodiscard]] StatusReply to_reply(const telemetry::Published& published);
[[nodiscard]] TrafficReply to_traffic(const telemetry::Published& published);
[[nodiscard]] FlowsReply to_flows(const telemetry::Published& published);

}  // namespace vicinity::admin
