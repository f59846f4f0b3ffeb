#include "policy/book/store.h"

#include <set>
#include <utility>

namespace vicinity::policy::book {
namespace {

bool same_place_and_text(const Document& left, const Document& right) {
  return left.file == right.file && left.line == right.line && left.text == right.text;
}

}  // namespace

bool Store::update(Load load) {
  const std::set<DocumentId> refused(load.refused.begin(), load.refused.end());
  std::map<DocumentId, Document> next;
  for (Document& document : load.documents) {
    const DocumentId id = document.id;
    // A second document of the same name was refused; the first one stands for both.
    next.emplace(id, std::move(document));
  }
  kept_ = 0;
  for (auto& [id, document] : documents_) {
    if (next.contains(id)) continue;
    if (!refused.contains(id) && !load.unclear.contains(document.file)) continue;
    next.emplace(id, document);
    ++kept_;
  }
  bool changed = next.size() != documents_.size();
  for (const auto& [id, document] : next) {
    const auto known = documents_.find(id);
    changed = changed || known == documents_.end() || !same_place_and_text(known->second, document);
  }
  documents_ = std::move(next);
  refused_ = load.refused.size() + load.unclear.size();
  findings_ = std::move(load.findings);
  return changed;
}

std::vector<Document> Store::documents() const {
  std::vector<Document> documents;
  for (const auto& [id, document] : documents_) documents.push_back(document);
  return documents;
}

}  // namespace vicinity::policy::book
