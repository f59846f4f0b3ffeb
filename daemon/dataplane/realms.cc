#include "dataplane/realms.h"

#include <algorithm>

namespace vicinity::dataplane {

std::optional<uint16_t> Realms::assign(std::string_view name_space) {
  if (const uint16_t known = find(name_space); known != VIC_REALM_EVERYONE) return known;
  if (last_ == kMost) return std::nullopt;
  numbers_.emplace(std::string(name_space), ++last_);
  return last_;
}

uint16_t Realms::find(std::string_view name_space) const {
  const auto found = numbers_.find(name_space);
  return found == numbers_.end() ? uint16_t{VIC_REALM_EVERYONE} : found->second;
}

void Realms::adopt(std::string_view name_space, uint16_t realm) {
  numbers_.insert_or_assign(std::string(name_space), realm);
  skip(realm);
}

void Realms::skip(uint16_t realm) { last_ = std::max(last_, realm); }

std::string_view namespace_of(std::string_view service) {
  return service.substr(0, service.find('/'));
}

}  // namespace vicinity::dataplane
