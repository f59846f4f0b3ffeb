#include "ctl/client_text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>
#include <vector>

#include "base/status.h"

namespace vicinity::ctl {
namespace {

constexpr std::string_view kLabelPrefix = "label.";

std::string* field_of(ClientText& client, std::string_view key) {
  const std::array<std::pair<std::string_view, std::string*>, 7> fields{{
      {"network", &client.network},
      {"cluster", &client.cluster},
      {"region", &client.region},
      {"zone", &client.zone},
      {"subzone", &client.subzone},
      {"node", &client.node},
      {"namespace", &client.name_space},
  }};
  for (const auto& [name, field] : fields) {
    if (key == name) return field;
  }
  if (!key.starts_with(kLabelPrefix) || key.size() == kLabelPrefix.size()) return nullptr;
  return &client.labels[std::string(key.substr(kLabelPrefix.size()))];
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    const size_t at = std::min(text.find(separator), text.size());
    parts.push_back(text.substr(0, at));
    text.remove_prefix(std::min(at + 1, text.size()));
  }
  return parts;
}

absl::StatusOr<uint16_t> parse_port(std::string_view text) {
  uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size() || port == 0) {
    return base::invalid("port '{}': not a number from 1 to 65535", text);
  }
  return port;
}

absl::Status check_service(std::string_view service) {
  const size_t slash = service.find('/');
  if (slash != std::string_view::npos && slash > 0 && slash + 1 < service.size()) {
    return absl::OkStatus();
  }
  return base::invalid("service '{}': not NAMESPACE/HOSTNAME", service);
}

}  // namespace

absl::StatusOr<ClientText> parse_client(std::string_view text) {
  ClientText client;
  std::vector<std::string_view> seen;
  for (const std::string_view part : split(text, ',')) {
    const size_t equals = part.find('=');
    if (equals == std::string_view::npos) {
      return base::invalid("--client: '{}' is not KEY=VALUE", part);
    }
    const std::string_view key = part.substr(0, equals);
    std::string* field = field_of(client, key);
    if (field == nullptr) {
      return base::invalid(
          "--client: '{}' is not one of region, zone, subzone, node, cluster, network, namespace, "
          "label.KEY",
          key);
    }
    if (std::find(seen.begin(), seen.end(), key) != seen.end()) {
      return base::invalid("--client: '{}' is given twice", key);
    }
    seen.push_back(key);
    *field = part.substr(equals + 1);
  }
  if (client.cluster.empty()) client.cluster = ClientText{}.cluster;
  return client;
}

model::Snapshot snapshot_for(const ClientText& client) {
  return model::Snapshot(client.node, {.network = client.network,
                                       .cluster = client.cluster,
                                       .region = client.region,
                                       .zone = client.zone,
                                       .subzone = client.subzone});
}

model::ClientContext context_of(const ClientText& client, model::Snapshot& snapshot) {
  model::ClientContext context = snapshot.self();
  for (const auto& [key, value] : client.labels) {
    context.labels.push_back(
        {.key = snapshot.symbols().intern(key), .value = snapshot.symbols().intern(value)});
  }
  context.name_space = snapshot.symbols().intern(client.name_space);
  std::sort(context.labels.begin(), context.labels.end());
  return context;
}

absl::StatusOr<compile::ServiceQuestion> parse_question(const config::CommandLine& line) {
  compile::ServiceQuestion question{.service = line.get("service"), .port = {}, .family = {}};
  if (question.service.empty()) return base::invalid("--service is required");
  VIC_RETURN_IF_ERROR(check_service(question.service));
  if (line.has("port")) {
    VIC_ASSIGN_OR_RETURN(question.port, parse_port(line.get("port")));
  }
  if (!line.has("family")) return question;
  const std::string text = line.get("family");
  for (const auto family : {model::Family::kIpv4, model::Family::kIpv6}) {
    if (text == model::family_name(family)) question.family = family;
  }
  if (!question.family) return base::invalid("--family: '{}' is neither ipv4 nor ipv6", text);
  return question;
}

absl::StatusOr<compile::ServiceQuestion> parse_service_port(std::string_view text) {
  const size_t colon = text.find(':');
  compile::ServiceQuestion question{
      .service = std::string(text.substr(0, colon)), .port = {}, .family = {}};
  VIC_RETURN_IF_ERROR(check_service(question.service));
  if (colon != std::string_view::npos) {
    VIC_ASSIGN_OR_RETURN(question.port, parse_port(text.substr(colon + 1)));
  }
  return question;
}

absl::StatusOr<bool> wants_json(const config::CommandLine& line) {
  const std::string text = line.get("o", "table");
  if (text == "json") return true;
  if (text == "table") return false;
  return base::invalid("-o: '{}' is neither json nor table", text);
}

}  // namespace vicinity::ctl
