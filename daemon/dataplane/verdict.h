// What a hook did with a connect, in the words that metrics, traces and documents use. Pure.
#pragma once

#include <cstdint>
#include <string_view>

namespace vicinity::dataplane {

struct Verdict {
  std::string_view result;  // "translated", "passed", "refused"
  std::string_view reason;  // "" when translated
  bool operator==(const Verdict&) const = default;
};

// Of an enum vic_outcome; a number that is none of them is an internal error.
[[nodiscard]] Verdict verdict_of(uint32_t outcome);

}  // namespace vicinity::dataplane
