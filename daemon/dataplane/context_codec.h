// The node's context as vic_context has it, and back. Stateless.
#pragma once

#include <absl/status/status.h>

#include <optional>

#include "dataplane/dataplane.h"
#include "dataplane/memory.h"

namespace vicinity::dataplane {

[[nodiscard]] std::optional<NodeContext> load_context(const vic_context& stored);
// An error when a text is too long; nothing is written then.
[[nodiscard]] absl::Status store_context(vic_context& stored, const NodeContext& context);

}  // namespace vicinity::dataplane
