// The rules of the self-test, one by one, for checks.cc. Pure.
#pragma once

#include <absl/time/time.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ctl/checks.h"

namespace vicinity::ctl {

using Findings = std::vector<Finding>;

inline absl::Time time_of(double seconds_since_epoch) {
  return absl::UnixEpoch() + absl::Seconds(seconds_since_epoch);
}

inline void add_ok(Findings& to, std::string_view check, std::string found) {
  to.push_back({std::string(check), Verdict::kOk, std::move(found), ""});
}

// What the daemon was told, and what it does with it; nothing without a daemon.
void check_feed(const NodeFacts& facts, Findings& to);
void check_place(const NodeFacts& facts, Findings& to);
void check_tables(const NodeFacts& facts, Findings& to);
void check_pods(const NodeFacts& facts, Findings& to);
// ztunnel, sidecars, peers that take mTLS only.
void check_mesh(const NodeFacts& facts, Findings& to);
void check_dns(const NodeFacts& facts, Findings& to);
void check_clock(const NodeFacts& facts, Findings& to);

}  // namespace vicinity::ctl
