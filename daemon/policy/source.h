// What a policy source is: a folder beside policy/wds that turns documents into specs and specs
// into plans. Everything else (files, precedence between sources, compiling, explaining) knows
// only this interface. Sources hold no state; everything here is immutable once made. Pure.
#pragma once

#include <compare>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/place.h"
#include "model/service.h"
#include "model/snapshot.h"
#include "model/symbols.h"
#include "policy/eligibility.h"
#include "policy/fields.h"
#include "policy/plan.h"
#include "policy/settings.h"
#include "policy/tree.h"

namespace vicinity::policy {

// By this a new version of a document replaces the old one.
struct DocumentId {
  std::string kind;
  std::string name_space;  // empty: a kind without namespaces
  std::string name;
  auto operator<=>(const DocumentId&) const = default;
};
[[nodiscard]] std::string to_text(const DocumentId& id);  // "DestinationRule default/helloworld"

// What a source made of a document; only that source knows its type.
class Spec {
 public:
  Spec() = default;
  Spec(const Spec&) = delete;
  Spec& operator=(const Spec&) = delete;
  virtual ~Spec() = default;
  // False only when the document cannot change any plan of this service. Decides who is recompiled
  // when the document comes, changes or goes, so it must be cheap.
  [[nodiscard]] virtual bool concerns(const model::Service& service,
                                      const model::Symbols& symbols) const = 0;
  // Whether what it does depends on which pods are on this node.
  [[nodiscard]] virtual bool selects_pods() const { return false; }
};

struct Document {
  DocumentId id;
  std::string source;  // Source::name()
  std::string file;
  int line = 0;
  std::string text;  // as it stood there: equal text, equal spec
  std::shared_ptr<const Spec> spec;
  std::vector<Diagnostic> warnings;
};

// What a policy may apply to: one port of a service, as this client sees it.
struct Target {
  const model::Service& service;
  uint16_t port = 0;
  const model::ClientContext& client;
  const model::Symbols& symbols;
  // Whose pods the clients are, when the plan is for a whole node; nullptr: `client` is one of
  // them.
  const model::Snapshot* node = nullptr;
};

struct PlanInput {
  const Target& target;
  Eligible eligible;
  OnEmpty on_empty = OnEmpty::kRefuse;
  // The plan by the service's own WDS preference, for sources that yield to it.
  const std::function<Plan(Eligible)>& own;
};

class Planner {
 public:
  Planner() = default;
  Planner(const Planner&) = delete;
  Planner& operator=(const Planner&) = delete;
  virtual ~Planner() = default;
  [[nodiscard]] virtual Plan plan(PlanInput input) const = 0;
};

// How narrowly the deciding document was aimed. Across sources the narrower one wins.
enum class Reach : uint8_t { kMesh, kPattern, kService };

// A document, and why it does or does not decide: "host of the service, in its namespace". The
// reason is a literal.
struct Verdict {
  const Document* document = nullptr;
  std::string_view why;
};

// What one source says about a target.
struct Resolution {
  Reach reach = Reach::kMesh;
  std::shared_ptr<const Planner> planner;  // nullptr: nobody plans, the service's own does
  // What is added to the plan, whoever makes it. A source that says this makes no plans.
  std::optional<uint32_t> affinity_s;  // clients keep their endpoint for so many seconds
  std::optional<LoadSpillSpec> load_spill;
  [[nodiscard]] bool adds() const { return affinity_s || load_spill; }
  std::vector<Verdict> applied;      // most important first
  std::vector<Verdict> passed_over;  // aimed at the target, and lost
};

// All documents of one source, ready to answer.
class Rules {
 public:
  Rules() = default;
  Rules(const Rules&) = delete;
  Rules& operator=(const Rules&) = delete;
  virtual ~Rules() = default;
  [[nodiscard]] virtual Resolution resolve(const Target& target) const = 0;
};

class Source {
 public:
  Source() = default;
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;
  virtual ~Source() = default;

  [[nodiscard]] virtual std::string_view name() const = 0;  // "istio"
  // The document's identity if it is of this source, also if only to say why it is not used.
  // Whatever is missing in it stays empty; parse() complains.
  [[nodiscard]] virtual std::optional<DocumentId> claim(const Node& root) const = 0;
  // nullptr: refused, with an error, or of a kind that is not a policy here, with a warning.
  [[nodiscard]] virtual std::shared_ptr<const Spec> parse(const DocumentId& id, const Node& root,
                                                          Diagnostics& out) const = 0;
  // The documents outlive the rules.
  [[nodiscard]] virtual std::unique_ptr<const Rules> rules(
      std::span<const Document* const> documents, const Settings& settings) const = 0;
};

// --- for sources whose documents are Kubernetes objects ---

struct TypeName {
  std::string group;    // "networking.istio.io"; empty: Kubernetes' own core group
  std::string version;  // "v1"
  std::string kind;
};
// nullopt: no apiVersion and kind.
[[nodiscard]] std::optional<TypeName> type_of(const Node& root);
// Kind, metadata.namespace and metadata.name. `otherwise` = the namespace of one that states none.
[[nodiscard]] DocumentId object_id(const Node& root, std::string_view otherwise);
// Takes apiVersion, kind, metadata and status; metadata.name must be there.
void check_object(Fields& root);

}  // namespace vicinity::policy
