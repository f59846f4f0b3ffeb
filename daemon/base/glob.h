// Shell-like patterns on names: '*' is any text, also none and also with '/'; '?' one character.
// Pure.
#pragma once

#include <string_view>

namespace vicinity::base {

[[nodiscard]] constexpr bool glob_matches(std::string_view pattern, std::string_view text) {
  size_t at = 0;
  size_t from = 0;                       // where in `text` the last '*' goes on
  size_t star = std::string_view::npos;  // that '*'
  for (size_t i = 0; i < text.size();) {
    if (at < pattern.size() && pattern[at] == '*') {
      star = at++;
      from = i;
    } else if (at < pattern.size() && (pattern[at] == '?' || pattern[at] == text[i])) {
      ++at;
      ++i;
    } else if (star != std::string_view::npos) {
      at = star + 1;
      i = ++from;
    } else {
      return false;
    }
  }
  while (at < pattern.size() && pattern[at] == '*') ++at;
  return at == pattern.size();
}

}  // namespace vicinity::base
