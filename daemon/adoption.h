// What the tables of an earlier daemon are still owed. After a restart the feed tells everything
// again, perhaps in parts, and nothing marks the end of it: until it has been in sync and quiet for
// a while, an adopted table keeps the endpoints the feed has not mentioned again, and an adopted
// service that it has not mentioned keeps its addresses. Owned by the engine, control thread.
#pragma once

#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>
#include <absl/time/time.h>

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/strings.h"
#include "compile/tables.h"
#include "model/delta.h"
#include "model/service.h"
#include "model/snapshot.h"

namespace vicinity {

class Adoption {
 public:
  // `quiet` = --resync-quiet. Over as long as nothing is adopted.
  explicit Adoption(absl::Duration quiet) : quiet_(quiet) {}

  // A service found in the tables, whose slots are not looked at. Before everything else.
  void adopt(const compile::ServiceTable& table);

  [[nodiscard]] bool over() const { return over_; }
  // Opens the window although nothing was adopted: something else waits for the whole feed.
  void wait_for_feed() { over_ = false; }

  // The feed is not in sync: silence says nothing, and the window begins anew.
  void feed_away();
  // A message is complete. The window closes when none has come for `quiet`, or kLongest times that
  // after the first one since the feed was in sync: a busy cluster never falls silent.
  void message(absl::Time now);
  // The feed is in sync, so silence counts from `now` at the latest.
  void feed_in_sync(absl::Time now);
  // A resource was refused: its last good version may be what was adopted, so the window stays open
  // until a good version of it comes, or it is removed, or kLongestRefused times `quiet` are over:
  // services that lost an endpoint meanwhile do not follow the feed for that long.
  void refused(const std::string& resource);
  // `before`: without the delta. What the feed has told and takes back or changes now, it may.
  void mentioned(const model::Delta& delta, const model::Snapshot& before);
  // InfiniteFuture: something keeps the window open.
  [[nodiscard]] absl::Time closes_at() const;

  // True when the recompiled table of this service must wait: the kernel still has an endpoint
  // that the feed has not mentioned again in any state since the start, or a service it has not.
  [[nodiscard]] bool holds_back(const std::optional<compile::ServiceTable>& have,
                                const model::Snapshot& snapshot, model::SymbolId service) const;
  // True when `address` still belongs to an adopted service that the feed has not mentioned.
  [[nodiscard]] bool keeps_address(const model::IpAddress& address, std::string_view from,
                                   const model::Snapshot& snapshot) const;
  // The same of a range, or of an address that serves the namespace of its service alone.
  [[nodiscard]] bool keeps_scoped(const model::OwnedAddress& address, std::string_view from,
                                  const model::Snapshot& snapshot) const;
  void defer(model::SymbolId service) { deferred_.push_back(service); }
  [[nodiscard]] std::span<const model::SymbolId> deferred() const { return deferred_; }

  // Ends the window: the services that were held back, for recompilation.
  [[nodiscard]] std::vector<model::SymbolId> close();
  // Adopted names; after close() those that no feed service carries are to be removed.
  [[nodiscard]] const base::StringSet& names() const { return names_; }

 private:
  static constexpr int kLongest = 6;
  static constexpr int kLongestRefused = 60;
  // With the namespace that it serves; empty: everyone.
  using ScopedAddress = std::pair<model::OwnedAddress, std::string>;
  [[nodiscard]] static ScopedAddress scoped(const model::OwnedAddress& address,
                                            std::string_view service);
  [[nodiscard]] bool keeps(std::string_view owner, std::string_view from,
                           const model::Snapshot& snapshot) const;

  base::StringSet names_;
  absl::flat_hash_map<model::IpAddress, std::string> owners_;
  std::map<ScopedAddress, std::string> scoped_owners_;
  absl::Duration quiet_;
  absl::Time first_message_ = absl::InfiniteFuture();
  absl::Time last_message_ = absl::InfiniteFuture();
  uint64_t messages_ = 0;
  std::map<std::string, uint64_t> refused_;  // resource -> number of the message it came with
  // Told of since the start, and then taken back or changed.
  absl::flat_hash_set<model::IpAddress> endpoints_told_;
  base::StringSet services_told_;
  std::vector<model::SymbolId> deferred_;
  bool over_ = true;
};

}  // namespace vicinity
