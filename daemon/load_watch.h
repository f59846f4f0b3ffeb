// Where counts of connections become shares that overloaded tiers give up: reads them, has the
// judge (health/load_judge.h) weigh them, tells the snapshot, says what was decided. Owned by the
// engine, control thread.
#pragma once

#include <absl/time/time.h>

#include <span>
#include <string_view>
#include <vector>

#include "compile/explain.h"
#include "dataplane/dataplane.h"
#include "health/load_judge.h"
#include "model/snapshot.h"
#include "policy/judged.h"
#include "telemetry/published.h"

namespace vicinity {

class LoadWatch {
 public:
  // `dataplane` outlives it.
  LoadWatch(dataplane::Dataplane& dataplane, absl::Time now) : dataplane_(dataplane), now_(now) {}

  // A service was compiled: these are its ports whose tiers are weighed. True when what they give
  // changed by that, so that it has to be compiled again.
  [[nodiscard]] bool compiled(std::string_view service, std::span<const policy::WeighedPort> ports,
                              model::Snapshot& snapshot);
  // The service has no table any more; compiled() recalls what it gave, if it is back soon.
  void gone(std::string_view service, model::Snapshot& snapshot);
  // Does what is due. True when shares changed: the snapshot says which services that touches.
  [[nodiscard]] bool step(model::Snapshot& snapshot, absl::Time now);
  // When step() has something to do; InfiniteFuture: nothing is weighed.
  [[nodiscard]] absl::Time next() const;

  // The endpoints of this port whose tiers are overloaded, or were lately.
  void add_states(compile::Explanation& explanation) const;
  void add_report(telemetry::HealthInfo& info) const;

 private:
  static constexpr absl::Duration kSample = absl::Seconds(1);

  void read_counts();

  dataplane::Dataplane& dataplane_;
  health::LoadJudge judge_;
  absl::Time now_;
  absl::Time sampled_ = absl::InfinitePast();
  std::vector<health::LoadCounted> counted_;
};

}  // namespace vicinity
