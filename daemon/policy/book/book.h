// All policies in force, of every source, as one value: which one decides for a port of a service,
// and why. Immutable, any thread.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "policy/settings.h"
#include "policy/source.h"

namespace vicinity::policy::book {

class Book {
 public:
  // Documents in any order; equal sets make equal books.
  Book(std::vector<Document> documents, Settings settings);

  [[nodiscard]] bool empty() const { return documents_.empty(); }
  // Sorted by id.
  [[nodiscard]] std::span<const Document> documents() const { return documents_; }
  [[nodiscard]] const Settings& settings() const { return settings_; }

  // The narrowest document wins; among equals the source named first in sources(). What only adds
  // to a plan is added to whichever wins. Without a planner nothing applies, and the service's own
  // WDS preference decides.
  [[nodiscard]] Resolution resolve(const Target& target) const;

 private:
  std::vector<Document> documents_;
  Settings settings_;
  std::vector<std::unique_ptr<const Rules>> rules_;
};

// Whose plans may differ between two books. Refers to both.
class Difference {
 public:
  Difference(const Book& before, const Book& after);
  [[nodiscard]] bool empty() const { return changed_.empty(); }
  [[nodiscard]] bool concerns(const model::Service& service, const model::Symbols& symbols) const;

 private:
  std::vector<const Document*> changed_;  // new, changed (both versions), gone
};

}  // namespace vicinity::policy::book
