#include "policy/istio/spec.h"

#include <algorithm>

namespace vicinity::policy::istio {
namespace {

// Of a level; the region has no "missing".
bool any(const LocalityPattern& pattern, size_t level) {
  const std::string& text = pattern.levels[level];
  return text == "*" || (level > 0 && text.empty());
}

}  // namespace

LocalityPattern split_locality(std::string_view text) {
  LocalityPattern pattern;
  for (std::string& level : pattern.levels) {
    const size_t slash = std::min(text.find('/'), text.size());
    level = text.substr(0, slash);
    text.remove_prefix(std::min(slash + 1, text.size()));
  }
  return pattern;
}

bool matches(const LocalityPattern& pattern, const std::array<std::string_view, 3>& locality) {
  for (size_t level = 0; level < locality.size(); ++level) {
    if (!any(pattern, level) && pattern.levels[level] != locality[level]) return false;
  }
  return true;
}

bool overlap(const LocalityPattern& left, const LocalityPattern& right) {
  for (size_t level = 0; level < left.levels.size(); ++level) {
    const bool free = any(left, level) || any(right, level);
    if (!free && left.levels[level] != right.levels[level]) return false;
  }
  return true;
}

bool covers(const LocalityPattern& wide, const LocalityPattern& narrow) {
  for (size_t level = 0; level < wide.levels.size(); ++level) {
    if (any(wide, level)) continue;
    if (any(narrow, level) || wide.levels[level] != narrow.levels[level]) return false;
  }
  return true;
}

const PortPolicy& TrafficPolicy::of(uint16_t port) const {
  const auto found = ports.find(port);
  return found == ports.end() ? all : found->second;
}

bool DestinationRule::names(std::string_view hostname) const {
  if (!is_pattern()) return host == hostname;
  return hostname.ends_with(std::string_view(host).substr(1));
}

bool DestinationRule::concerns(const model::Service& service, const model::Symbols& symbols) const {
  return names(symbols.name(service.hostname));
}

}  // namespace vicinity::policy::istio
