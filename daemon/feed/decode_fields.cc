#include "feed/decode_fields.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <span>

namespace vicinity::feed {
namespace {

constexpr uint32_t kMaxPort = std::numeric_limits<uint16_t>::max();

bool is_control(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte < 0x20 || byte == 0x7f;
}

bool by_port(const model::Port& a, const model::Port& b) { return a.service_port < b.service_port; }

// In order of service port, equal ones as they stood in the feed.
void sort_ports(model::Ports& ports) {
  struct Placed {
    model::Port port;
    uint32_t at;
  };
  std::vector<Placed> placed;
  placed.reserve(ports.size());
  for (const model::Port& port : ports) {
    placed.push_back({.port = port, .at = static_cast<uint32_t>(placed.size())});
  }
  std::sort(placed.begin(), placed.end(), [](const Placed& a, const Placed& b) {
    return by_port(a.port, b.port) || (!by_port(b.port, a.port) && a.at < b.at);
  });
  std::transform(placed.begin(), placed.end(), ports.begin(),
                 [](const Placed& each) { return each.port; });
}

// Sorts by service port and keeps the last of equal ones, as they stood in the feed.
void normalize(model::Ports& ports) {
  if (!std::is_sorted(ports.begin(), ports.end(), by_port)) sort_ports(ports);
  size_t kept = 0;
  for (const model::Port& port : ports) {
    if (kept > 0 && ports[kept - 1].service_port == port.service_port) --kept;
    ports[kept++] = port;
  }
  ports.resize(kept);
}

std::string element_path(const FieldPath& list, int index, std::string_view field) {
  return fmt::format("{}[{}].{}", list.text(), index, field);
}

}  // namespace

std::string FieldPath::text() const {
  if (index >= 0) return fmt::format("{}[{}]{}", head, index, tail);
  if (key.data() != nullptr) return fmt::format("{}[\"{}\"]{}", head, key, tail);
  return fmt::format("{}{}", head, tail);
}

model::SymbolId Fields::symbol(std::string_view text, const FieldPath& path, size_t max) {
  if (text.empty()) return {};
  const size_t before = errors_.size();
  check_text(text, path, max);
  return errors_.size() == before ? symbols_.intern(text) : model::SymbolId{};
}

void Fields::check_text(std::string_view text, const FieldPath& path, size_t max) {
  if (text.size() > max) {
    reject(path, "{} bytes long: at most {}", text.size(), max);
  }
  if (std::any_of(text.begin(), text.end(), is_control)) {
    reject(path, "has a control character");
  }
}

model::Ports Fields::ports(const google::protobuf::RepeatedPtrField<istio::workload::Port>& list,
                           const FieldPath& path) {
  model::Ports ports;
  ports.reserve(list.size());
  for (int i = 0; i < list.size(); ++i) {
    const uint32_t service = list[i].service_port();
    const uint32_t target = list[i].target_port();
    if (service == 0 || service > kMaxPort) {
      reject({element_path(path, i, "servicePort")}, "{} is not a port", service);
    }
    if (target > kMaxPort) {
      reject({element_path(path, i, "targetPort")}, "{} is not a port", target);
    }
    ports.push_back({.service_port = static_cast<uint16_t>(service),
                     .target_port = static_cast<uint16_t>(target)});
  }
  normalize(ports);
  return ports;
}

std::optional<model::IpAddress> Fields::ip(std::string_view bytes, const FieldPath& path) {
  const auto* data = reinterpret_cast<const uint8_t*>(bytes.data());
  auto ip = model::IpAddress::from_bytes(std::span(data, bytes.size()));
  if (ip.ok()) return *ip;
  reject(path, "{} bytes long: an address has 4 or 16", bytes.size());
  return std::nullopt;
}

}  // namespace vicinity::feed
