// The policies in force: the last good version of each document, as one book, and what is wrong
// with the latest ones. Owned by the engine, control thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "model/snapshot.h"
#include "policy/book/book.h"
#include "policy/book/store.h"
#include "policy_dir.h"
#include "telemetry/published.h"

namespace vicinity {

class Policies {
 public:
  explicit Policies(policy::Settings settings);

  // Takes a reading over, and returns the services whose plans it may change.
  [[nodiscard]] std::vector<model::SymbolId> update(PolicyReading reading,
                                                    const model::Snapshot& snapshot);

  // The services that policies which select clients are for.
  [[nodiscard]] std::vector<model::SymbolId> by_pods(const model::Snapshot& snapshot) const;

  // Never null; a new one whenever anything changed.
  [[nodiscard]] const std::shared_ptr<const policy::book::Book>& book() const { return book_; }
  [[nodiscard]] telemetry::PolicyInfo report() const;

 private:
  policy::Settings settings_;
  policy::book::Store store_;
  std::shared_ptr<const policy::book::Book> book_;
  uint64_t readings_ = 0;
  std::string error_;  // why the folder could not be read
};

}  // namespace vicinity
