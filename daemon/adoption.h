// What the tables of an earlier daemon are still owed. After a restart the feed tells everything
// again, perhaps in parts, and nothing marks the end of it: until it has been quiet for a while, an
// adopted table keeps the endpoints the feed has not mentioned again. Owned by
// the engine, control thread.
#pragma once

#include <absl/time/time.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/strings.h"
#include "compile/tables.h"
#include "model/snapshot.h"
#include "model/symbols.h"

namespace vicinity {

class Adoption {
 public:
  // `quiet` = --resync-quiet. Over at once when nothing was adopted.
  Adoption(const compile::Tables& adopted, absl::Duration quiet);

  [[nodiscard]] bool over() const { return over_; }
  // A message arrived. The window closes when none has for `quiet`, or kLongest times that after
  // the first one: a busy cluster never falls silent.
  void message(absl::Time now);
  // InfiniteFuture until the first message.
  [[nodiscard]] absl::Time closes_at() const;

  // True when the recompiled table of this service must wait: the kernel still has an endpoint
  // that the feed has not mentioned again in any state, or a service it has not mentioned at all.
  [[nodiscard]] bool holds_back(const std::optional<compile::ServiceTable>& have,
                                const model::Snapshot& snapshot, model::SymbolId service) const;
  void defer(model::SymbolId service) { deferred_.push_back(service); }

  // Ends the window: the services that were held back, for recompilation.
  [[nodiscard]] std::vector<model::SymbolId> close();
  // Adopted names; after close() those that no feed service carries are to be removed.
  [[nodiscard]] const base::StringSet& names() const { return names_; }

 private:
  static constexpr int kLongest = 6;

  base::StringSet names_;
  absl::Duration quiet_;
  absl::Time first_message_ = absl::InfiniteFuture();
  absl::Time last_message_ = absl::InfiniteFuture();
  std::vector<model::SymbolId> deferred_;
  bool over_ = false;
};

}  // namespace vicinity
