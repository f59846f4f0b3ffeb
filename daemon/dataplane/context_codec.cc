#include "dataplane/context_codec.h"

#include <array>
#include <cstring>
#include <string>

#include "base/status.h"

namespace vicinity::dataplane {
namespace {

struct Field {
  std::string_view name;
  std::string NodeContext::* text;
  char (vic_context::*bytes)[VIC_CONTEXT_CHARS];
};

constexpr std::array<Field, 6> kFields = {{
    {"network", &NodeContext::network, &vic_context::network},
    {"cluster", &NodeContext::cluster, &vic_context::cluster},
    {"region", &NodeContext::region, &vic_context::region},
    {"zone", &NodeContext::zone, &vic_context::zone},
    {"subzone", &NodeContext::subzone, &vic_context::subzone},
    {"node", &NodeContext::node, &vic_context::node},
}};

}  // namespace

std::optional<NodeContext> load_context(const vic_context& stored) {
  if (observe(stored.known) == 0) return std::nullopt;
  NodeContext context;
  for (const Field& field : kFields) {
    const auto& bytes = stored.*field.bytes;
    context.*field.text = std::string(bytes, ::strnlen(bytes, sizeof(bytes)));
  }
  return context;
}

absl::Status store_context(vic_context& stored, const NodeContext& context) {
  for (const Field& field : kFields) {
    const std::string& text = context.*field.text;
    if (text.size() < VIC_CONTEXT_CHARS) continue;
    return base::invalid("own context: {} of {} characters, at most {} are kept", field.name,
                         text.size(), VIC_CONTEXT_CHARS - 1);
  }
  publish(stored.known, 0);
  for (const Field& field : kFields) {
    auto& bytes = stored.*field.bytes;
    std::memset(bytes, 0, sizeof(bytes));
    std::memcpy(bytes, (context.*field.text).data(), (context.*field.text).size());
  }
  publish(stored.known, 1);
  return absl::OkStatus();
}

}  // namespace vicinity::dataplane
