// What the hooks counted. Rows of vic_counters are given to services on first use, the last one is
// shared by all that come when the pool is empty. Changes on the control thread; outcomes() and
// tier_counts() on any thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/dataplane.h"
#include "dataplane/memory.h"

namespace vicinity::dataplane {

// The name under which the shared row is reported.
inline constexpr std::string_view kSharedRowName = "(others)";

// Of each hook, in the order of enum vic_hook.
[[nodiscard]] std::vector<HookErrors> read_errors(int outcomes_fd);

// Translated connections are those that were counted for a service.
[[nodiscard]] Outcomes read_outcomes(int outcomes_fd, std::span<__u64> counters);

class Counters {
 public:
  // By row; `refusals` may be empty. All of it stays the caller's and outlives this.
  struct Memory {
    std::span<__u64> counters;
    std::span<__u64> refusals;
  };
  Counters(const Memory& memory, int outcomes_fd);

  // A row of zeros for the service, or the shared one.
  [[nodiscard]] uint16_t assign(std::string_view service);
  // The service has this row already.
  void take(uint16_t row, std::string_view service);
  // The service is gone; the row is free when give_back() follows, a grace period later.
  void forget(uint16_t row);
  void give_back(uint16_t row);
  // Makes the changes since the last call visible to tier_counts().
  void publish_rows();

  [[nodiscard]] Outcomes outcomes() const { return read_outcomes(outcomes_fd_, counters_); }
  [[nodiscard]] std::vector<TierCounts> tier_counts() const;
  [[nodiscard]] Usage usage() const;

 private:
  struct Row {
    uint16_t row = 0;
    std::shared_ptr<const std::string> service;
  };
  using Rows = std::vector<Row>;

  [[nodiscard]] std::vector<uint64_t> totals(uint16_t row) const;
  [[nodiscard]] uint64_t refused(uint16_t row) const;

  std::span<__u64> counters_;
  std::span<__u64> refusals_;
  int outcomes_fd_;
  std::vector<uint16_t> free_;  // the last one is given out next
  std::vector<std::shared_ptr<const std::string>> services_;
  bool changed_ = false;
  std::atomic<std::shared_ptr<const Rows>> published_;
};

}  // namespace vicinity::dataplane
