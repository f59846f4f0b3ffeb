// The last good version of every document, over readings of the files that may be worse than the
// one before. Owned by whoever reads again and again; one thread.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "policy/book/load.h"

namespace vicinity::policy::book {

class Store {
 public:
  // Takes a reading over: good documents replace, refused ones keep what was there, those that are
  // gone go, unless their file has a document that could not be named. True when anything changed.
  bool update(Load load);

  [[nodiscard]] std::vector<Document> documents() const;
  // Of the latest reading.
  [[nodiscard]] const std::vector<Finding>& findings() const { return findings_; }
  // Ids of the latest reading's refused documents; `kept` of them have an older version in force.
  [[nodiscard]] size_t refused() const { return refused_; }
  [[nodiscard]] size_t kept() const { return kept_; }

 private:
  std::map<DocumentId, Document> documents_;
  std::vector<Finding> findings_;
  size_t refused_ = 0;
  size_t kept_ = 0;
};

}  // namespace vicinity::policy::book
