#include "policy/native/source.h"

#include <fmt/format.h>

#include "policy/native/rules.h"
#include "policy/native/spec.h"

namespace vicinity::policy::native {
namespace {

constexpr std::string_view kGroup = "vicinity.io";
constexpr std::string_view kVersion = "v1alpha1";
constexpr std::string_view kKind = "ConnectionPolicy";

class NativeSource final : public Source {
 public:
  [[nodiscard]] std::string_view name() const override { return "vicinity"; }

  [[nodiscard]] std::optional<DocumentId> claim(const Node& root) const override {
    const auto type = type_of(root);
    if (!type || type->group != kGroup) return std::nullopt;
    return object_id(root, "default");
  }

  [[nodiscard]] std::shared_ptr<const Spec> parse(const DocumentId& id, const Node& root,
                                                  Diagnostics& out) const override {
    const TypeName type = type_of(root).value_or(TypeName{});
    if (type.kind != kKind) {
      out.error(root, "kind", fmt::format("{} is not {}", type.kind, kKind));
      return nullptr;
    }
    if (type.version != kVersion) {
      out.error(root, "apiVersion", fmt::format("'{}' is not {}", type.version, kVersion));
    }
    return native::parse(id, root, out);
  }

  [[nodiscard]] std::unique_ptr<const Rules> rules(std::span<const Document* const> documents,
                                                   const Settings& settings) const override {
    return make_rules(documents, settings);
  }
};

}  // namespace

const Source& source() {
  static const NativeSource native;
  return native;
}

bool ConnectionPolicy::concerns(const model::Service& one, const model::Symbols& symbols) const {
  return service.empty() || service == symbols.name(one.name) ||
         service == symbols.name(one.hostname);
}

}  // namespace vicinity::policy::native
