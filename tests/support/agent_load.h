// A load of connection attempts by worker threads, at a given rate or as fast as it goes. Owned by
// the agent's main thread, which alone calls it.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "support/agent_connect.h"
#include "support/connect.h"

namespace vicinity::testing {

struct LoadPlan {
  std::vector<AttemptSpec> targets;
  double rate_per_second = 0;
  unsigned workers = 1;
  std::uint64_t limit = 0;
};

class AgentLoad {
 public:
  explicit AgentLoad(LoadPlan plan);
  ~AgentLoad();
  AgentLoad(const AgentLoad&) = delete;
  AgentLoad& operator=(const AgentLoad&) = delete;

  // The tally so far, without the attempts.
  [[nodiscard]] LoadReport progress();
  // Waits until the limit is reached; without one: stops.
  void finish();
  // Ends it; everything.
  [[nodiscard]] LoadReport stop();

 private:
  void work();
  [[nodiscard]] bool wait_for_turn(std::uint64_t ticket) const;
  void record(Attempt attempt, const std::string& answer);

  const LoadPlan plan_;
  const std::int64_t started_ns_;
  std::atomic<bool> stopping_ = false;
  std::atomic<std::uint64_t> next_ = 0;
  std::mutex mutex_;  // guards report_ and answers_
  LoadReport report_;
  std::map<std::string, std::uint32_t> answers_;
  std::vector<std::thread> workers_;
};

}  // namespace vicinity::testing
