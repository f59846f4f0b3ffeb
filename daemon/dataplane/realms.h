// Numbers of namespaces in frontend entries and in vic_pods. A number is given out once and stays:
// entries of several generations mean the same by it. Control thread.
#pragma once

#include <vicinity/abi.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/strings.h"

namespace vicinity::dataplane {

class Realms {
 public:
  static constexpr uint16_t kMost = VIC_REALM_RANGE - 1;

  // A new number if it has none; nullopt: all are given out.
  [[nodiscard]] std::optional<uint16_t> assign(std::string_view name_space);
  // VIC_REALM_EVERYONE: it has none.
  [[nodiscard]] uint16_t find(std::string_view name_space) const;
  [[nodiscard]] uint16_t count() const { return last_; }
  // As an earlier daemon had it.
  void adopt(std::string_view name_space, uint16_t realm);
  // Numbers up to this one may still mean a namespace of an earlier daemon's.
  void skip(uint16_t realm);

 private:
  base::StringMap<uint16_t> numbers_;
  uint16_t last_ = VIC_REALM_EVERYONE;
};

// Of "namespace/hostname".
[[nodiscard]] std::string_view namespace_of(std::string_view service);

}  // namespace vicinity::dataplane
