// What a fuzz target says when something that always holds does not: it aborts, with the place.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace vicinity::fuzz {

inline void check(bool holds, std::string_view what) {
  if (holds) return;
  std::fprintf(stderr, "does not hold: %.*s\n", static_cast<int>(what.size()), what.data());
  std::abort();
}

// The input as a stream of small decisions; zeros when it is used up.
class Decisions {
 public:
  Decisions(const uint8_t* data, size_t size) : at_(data), end_(data + size) {}
  [[nodiscard]] bool more() const { return at_ != end_; }
  // 0 to `choices` - 1. REQUIRES: choices > 0.
  uint8_t next(uint8_t choices) {
    return at_ == end_ ? uint8_t{0} : static_cast<uint8_t>(*at_++ % choices);
  }
  std::string_view rest() const {
    return {reinterpret_cast<const char*>(at_), static_cast<size_t>(end_ - at_)};
  }

 private:
  const uint8_t* at_;
  const uint8_t* end_;
};

}  // namespace vicinity::fuzz
