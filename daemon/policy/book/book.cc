#include "policy/book/book.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "policy/book/sources.h"

namespace vicinity::policy::book {
namespace {

bool same_document(const Document& left, const Document& right) {
  return left.id == right.id && left.text == right.text;
}

const Document* find(const Book& book, const DocumentId& id) {
  const auto documents = book.documents();
  const auto found = std::ranges::lower_bound(documents, id, {}, &Document::id);
  return found != documents.end() && found->id == id ? &*found : nullptr;
}

// Those of `book` that are not the same in `other`.
void add_changed(const Book& book, const Book& other, std::vector<const Document*>& changed) {
  for (const Document& document : book.documents()) {
    const Document* twin = find(other, document.id);
    if (twin == nullptr || !same_document(document, *twin)) changed.push_back(&document);
  }
}

void append(std::vector<Verdict>& to, const std::vector<Verdict>& from) {
  to.insert(to.end(), from.begin(), from.end());
}

// `loser` applies too, but another source decides.
void pass_over(const Resolution& loser, std::string_view why, Resolution& winner) {
  for (const Verdict& verdict : loser.applied) {
    winner.passed_over.push_back({.document = verdict.document, .why = why});
  }
  append(winner.passed_over, loser.passed_over);
}

Resolution better(Resolution first, Resolution second) {
  if (second.planner == nullptr) {
    append(first.passed_over, second.passed_over);
    return first;
  }
  if (first.planner == nullptr || second.reach > first.reach) {
    pass_over(first, "another source has a policy aimed more narrowly", second);
    return second;
  }
  pass_over(second,
            second.reach == first.reach ? "conflict: another source, which comes first, has one too"
                                        : "another source has a policy aimed more narrowly",
            first);
  return first;
}

// Somebody's plan, with what is added to it.
class AddingPlanner final : public Planner {
 public:
  AddingPlanner(std::shared_ptr<const Planner> inner, const Resolution& added)
      : inner_(std::move(inner)), affinity_s_(added.affinity_s), load_spill_(added.load_spill) {}

  [[nodiscard]] Plan plan(PlanInput input) const override {
    Plan plan =
        inner_ == nullptr ? input.own(std::move(input.eligible)) : inner_->plan(std::move(input));
    if (plan.mode == Mode::kPassthrough) return plan;
    if (affinity_s_) plan.algorithm.affinity_timeout_s = *affinity_s_;
    if (load_spill_) plan.load_spill = load_spill_;
    return plan;
  }

 private:
  std::shared_ptr<const Planner> inner_;  // nullptr: the service's own
  std::optional<uint32_t> affinity_s_;
  std::optional<LoadSpillSpec> load_spill_;
};

void add(const Resolution& added, Resolution& best) {
  best.planner = std::make_shared<AddingPlanner>(std::move(best.planner), added);
  append(best.applied, added.applied);
  append(best.passed_over, added.passed_over);
}

}  // namespace

Book::Book(std::vector<Document> documents, Settings settings)
    : documents_(std::move(documents)), settings_(std::move(settings)) {
  std::ranges::sort(documents_, {}, &Document::id);
  for (const Source* source : sources()) {
    std::vector<const Document*> own;
    for (const Document& document : documents_) {
      if (document.source == source->name()) own.push_back(&document);
    }
    if (!own.empty()) rules_.push_back(source->rules(own, settings_));
  }
}

Resolution Book::resolve(const Target& target) const {
  Resolution best;
  std::vector<Resolution> additions;
  for (const auto& rules : rules_) {
    Resolution one = rules->resolve(target);
    if (one.adds()) {
      additions.push_back(std::move(one));
    } else {
      best = better(std::move(best), std::move(one));
    }
  }
  for (const Resolution& one : additions) add(one, best);
  return best;
}

Difference::Difference(const Book& before, const Book& after) {
  add_changed(before, after, changed_);
  add_changed(after, before, changed_);
}

bool Difference::concerns(const model::Service& service, const model::Symbols& symbols) const {
  return std::ranges::any_of(changed_, [&](const Document* document) {
    return document->spec->concerns(service, symbols);
  });
}

}  // namespace vicinity::policy::book
