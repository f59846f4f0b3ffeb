// Sockets whose endpoint is gone: removed, or no endpoint of its service any more. Not one that is
// unhealthy or less preferred. Compares what the hooks remember with the model, whenever that may
// have lost an endpoint; such a socket chooses again the next time it asks, and a connected one is
// closed after a drain time. Owned by the engine, control thread.
#pragma once

#include <absl/time/time.h>

#include <cstdint>
#include <map>
#include <vector>

#include "dataplane/dataplane.h"
#include "dataplane/sockets.h"
#include "model/snapshot.h"

namespace vicinity {

struct DepartureOptions {
  dataplane::Terminate terminate = dataplane::Terminate::kUdp;  // --terminate
  absl::Duration drain = absl::Seconds(10);                     // --terminate-after
};

struct Departure {
  dataplane::Origin origin;
  bool removed = false;  // its endpoint is; false: its service alone
};

class Departures {
 public:
  // Both outlive it.
  Departures(const DepartureOptions& options, const dataplane::Dataplane& dataplane,
             dataplane::Sockets& sockets)
      : options_(options), dataplane_(dataplane), sockets_(sockets) {}

  // Something was published or removed: look, and look once more on the turn after, because a hook
  // that chose by the table before may write its record only now.
  void model_changed() { looks_due_ = 2; }
  // Once a second, while the model is all there is.
  void step(const model::Snapshot& snapshot, absl::Time now);

  // Since the start: records that were told.
  [[nodiscard]] uint64_t retired() const { return retired_; }
  [[nodiscard]] uint64_t draining() const { return draining_.size(); }

 private:
  void look(const model::Snapshot& snapshot, absl::Time now);
  void retire(const std::vector<Departure>& gone);
  void drain(const std::vector<Departure>& gone, absl::Time now);
  [[nodiscard]] bool is_to_be_closed(const Departure& gone) const;
  [[nodiscard]] bool is_due(absl::Time now) const;

  DepartureOptions options_;
  const dataplane::Dataplane& dataplane_;
  dataplane::Sockets& sockets_;
  int looks_due_ = 0;
  uint64_t retired_ = 0;
  // Connected sockets with an endpoint that is gone, and since when; InfinitePast: asked to close.
  std::map<dataplane::Origin, absl::Time> draining_;
};

// Those of `origins` whose backend is no endpoint of the service that has the service address now,
// neither by the model nor in the kernel's table.
[[nodiscard]] std::vector<Departure> departed(const std::vector<dataplane::Origin>& origins,
                                              const model::Snapshot& snapshot,
                                              const dataplane::Dataplane& dataplane);

}  // namespace vicinity
