#include "policy/source.h"

#include <fmt/format.h>

#include <array>

namespace vicinity::policy {
namespace {

// What the API server writes there, and what does not matter for a plan.
constexpr std::array<std::string_view, 13> kMetadata{"annotations",
                                                     "creationTimestamp",
                                                     "deletionGracePeriodSeconds",
                                                     "deletionTimestamp",
                                                     "finalizers",
                                                     "generateName",
                                                     "generation",
                                                     "labels",
                                                     "namespace",
                                                     "ownerReferences",
                                                     "resourceVersion",
                                                     "selfLink",
                                                     "uid"};

std::string text_at(const Node& node, std::string_view key) {
  const Node* member = node.find(key);
  return member != nullptr && member->is_scalar() ? member->scalar : std::string();
}

}  // namespace

std::string to_text(const DocumentId& id) {
  if (id.name_space.empty()) return fmt::format("{} {}", id.kind, id.name);
  return fmt::format("{} {}/{}", id.kind, id.name_space, id.name);
}

std::optional<TypeName> type_of(const Node& root) {
  const std::string api = text_at(root, "apiVersion");
  TypeName type{.group = {}, .version = api, .kind = text_at(root, "kind")};
  if (api.empty() || type.kind.empty()) return std::nullopt;
  if (const size_t slash = api.find('/'); slash != std::string::npos) {
    type.group = api.substr(0, slash);
    type.version = api.substr(slash + 1);
  }
  return type;
}

DocumentId object_id(const Node& root, std::string_view otherwise) {
  DocumentId id{.kind = text_at(root, "kind"), .name_space = std::string(otherwise), .name = {}};
  const Node* metadata = root.find("metadata");
  if (metadata == nullptr) return id;
  id.name = text_at(*metadata, "name");
  if (std::string given = text_at(*metadata, "namespace"); !given.empty()) {
    id.name_space = std::move(given);
  }
  return id;
}

void check_object(Fields& root) {
  root.take("apiVersion");
  root.take("kind");
  root.take("status");
  Fields metadata = root.map("metadata");
  if (!metadata.present()) {
    root.error("metadata.name", "missing");
    return;
  }
  if (metadata.text("name").value_or("").empty()) metadata.error("name", "missing");
  for (const std::string_view field : kMetadata) metadata.take(field);
  metadata.take("managedFields");
  metadata.finish();
}

}  // namespace vicinity::policy
