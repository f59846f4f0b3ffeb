// Hash containers keyed by std::string that are looked up by std::string_view. Values only; no
// thread contract of their own.
#pragma once

#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>
#include <absl/hash/hash.h>
#include <absl/strings/string_view.h>

#include <cstddef>
#include <string>
#include <string_view>

namespace vicinity::base {

// Debian's abseil has a string_view type of its own, so its default string hash does not accept
// std::string_view.
struct StringHash {
  using is_transparent = void;
  size_t operator()(std::string_view text) const {
    return absl::HashOf(absl::string_view(text.data(), text.size()));
  }
};

struct StringEqual {
  using is_transparent = void;
  bool operator()(std::string_view left, std::string_view right) const { return left == right; }
};

template <class Value>
using StringMap = absl::flat_hash_map<std::string, Value, StringHash, StringEqual>;
using StringSet = absl::flat_hash_set<std::string, StringHash, StringEqual>;

inline std::string_view view(absl::string_view text) { return {text.data(), text.size()}; }
inline absl::string_view absl_view(std::string_view text) { return {text.data(), text.size()}; }

}  // namespace vicinity::base
