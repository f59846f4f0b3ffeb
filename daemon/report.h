// Turns the engine's state into the Published that telemetry and admin show. Control thread.
#pragma once

#include <deque>
#include <map>
#include <string>

#include "dataplane/dataplane.h"
#include "feed/feed.h"
#include "model/snapshot.h"
#include "telemetry/published.h"

namespace vicinity {

struct ReportInput {
  const model::Snapshot& snapshot;
  const dataplane::Dataplane& dataplane;
  const feed::FeedStatus& feed;
  const std::deque<telemetry::Problem>& rejected;
  const std::map<std::string, std::string>& refused;
  const std::map<std::string, std::string>& unpublishable;
};

// Everything but times, counts and the lease, which the engine fills in itself.
[[nodiscard]] telemetry::Published make_report(const ReportInput& input);

// `counts` with the sizes of the model as they are now.
[[nodiscard]] telemetry::EngineCounts with_model_counts(telemetry::EngineCounts counts,
                                                        const model::Snapshot& snapshot);

}  // namespace vicinity
