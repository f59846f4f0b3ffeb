// Where failures that the hooks saw become ejections of the model: reads the counts, has the judge
// (health/judge.h) judge them, tells the snapshot, keeps ejections over restarts. Owned by the
// engine, control thread.
#pragma once

#include <absl/time/time.h>

#include <deque>
#include <map>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "compile/explain.h"
#include "dataplane/dataplane.h"
#include "health/judge.h"
#include "model/snapshot.h"
#include "policy/judged.h"
#include "telemetry/published.h"

namespace vicinity {

class Judgement {
 public:
  // `dataplane` outlives it.
  Judgement(dataplane::Dataplane& dataplane, absl::Time now);

  // What an earlier daemon had ejected, before anything is compiled.
  void restore(model::Snapshot& snapshot, absl::Time now);
  // A service was compiled: these are its judged ports. True when its ejections changed by that, so
  // that it has to be compiled again.
  [[nodiscard]] bool compiled(std::string_view service, std::span<const policy::JudgedPort> ports,
                              model::Snapshot& snapshot);
  // The service has no table any more.
  void gone(std::string_view service) { judge_.leave(service); }
  // Does what is due. True when ejections changed: the snapshot says which services that touches.
  [[nodiscard]] bool step(model::Snapshot& snapshot, absl::Time now);
  // When step() has something to do; InfiniteFuture: nobody is judged.
  [[nodiscard]] absl::Time next() const;

  // What came of connects to the endpoints of this port, as far as something did.
  void add_states(compile::Explanation& explanation) const;
  [[nodiscard]] telemetry::HealthInfo report() const;

 private:
  static constexpr absl::Duration kLook = absl::Seconds(1);

  using Suspicions = std::map<uint64_t, std::deque<std::string>>;  // by ObservedEndpoint::id

  void read_counts(const health::Moment& moment);
  void hear_suspicions();
  void keep();
  void add_suspicions(compile::Explanation& explanation) const;

  dataplane::Dataplane& dataplane_;
  health::Judge judge_;
  std::mt19937_64 random_{std::random_device{}()};
  absl::Time now_;
  absl::Time looked_ = absl::InfinitePast();
  std::vector<health::Counted> counted_;
  Suspicions suspicions_;  // the last ones of each endpoint, oldest first
  std::string last_error_;
};

}  // namespace vicinity
