#include "policy/native/rules.h"

#include <algorithm>
#include <string>
#include <tuple>
#include <vector>

#include "policy/native/spec.h"

namespace vicinity::policy::native {
namespace {

struct Entry {
  const Document* document = nullptr;
  const ConnectionPolicy* policy = nullptr;
};

class NativeRules final : public Rules {
 public:
  NativeRules(std::span<const Document* const> documents, const Settings& settings)
      : root_namespace_(settings.root_namespace) {
    for (const Document* document : documents) {
      entries_.push_back({document, static_cast<const ConnectionPolicy*>(document->spec.get())});
    }
    std::ranges::sort(entries_, {}, [this](const Entry& one) {
      const ConnectionPolicy& policy = *one.policy;
      return std::tuple<bool, bool, bool, const DocumentId&>(
          policy.name_space == root_namespace_, policy.service.empty(), policy.ports.empty(),
          one.document->id);
    });
  }

  [[nodiscard]] Resolution resolve(const Target& target) const override {
    Resolution result;
    for (const Entry& entry : entries_) {
      if (!is_aimed(*entry.policy, target)) continue;
      const std::string_view why = obstacle(*entry.policy, target);
      if (!why.empty()) {
        result.passed_over.push_back({.document = entry.document, .why = why});
      } else {
        apply(entry, result);
      }
    }
    return result;
  }

 private:
  // Each thing that a policy may say is taken from the first that says it.
  static void apply(const Entry& entry, Resolution& result) {
    const bool keeps = entry.policy->affinity_s && !result.affinity_s;
    const bool spills = entry.policy->load_spill && !result.load_spill;
    if (keeps) result.affinity_s = entry.policy->affinity_s;
    if (spills) result.load_spill = entry.policy->load_spill;
    std::string_view why = "another one comes first";
    if (keeps) why = "clients keep their endpoint";
    if (spills) why = "overloaded tiers spill";
    if (keeps && spills) why = "clients keep their endpoint, overloaded tiers spill";
    (keeps || spills ? result.applied : result.passed_over).push_back({entry.document, why});
  }

  // Somebody wrote it with this service in mind, even if it does not count.
  [[nodiscard]] bool is_aimed(const ConnectionPolicy& policy, const Target& target) const {
    if (!policy.service.empty()) return policy.concerns(target.service, target.symbols);
    return policy.name_space == root_namespace_ ||
           policy.name_space == target.symbols.name(target.service.name_space);
  }

  // Why it does not count; empty: it does.
  [[nodiscard]] std::string_view obstacle(const ConnectionPolicy& policy,
                                          const Target& target) const {
    if (target.service.load_balancing.mode == model::RoutingMode::kPassthrough) {
      return "the service passes connections through";
    }
    if (policy.name_space != root_namespace_ &&
        policy.name_space != target.symbols.name(target.service.name_space)) {
      return "in another namespace than the service";
    }
    const bool covered = policy.ports.empty() || policy.ports.contains(target.port);
    return covered ? std::string_view() : "for other ports";
  }

  std::string root_namespace_;
  std::vector<Entry> entries_;  // the one that counts first
};

}  // namespace

std::unique_ptr<const Rules> make_rules(std::span<const Document* const> documents,
                                        const Settings& settings) {
  return std::make_unique<NativeRules>(documents, settings);
}

}  // namespace vicinity::policy::native
