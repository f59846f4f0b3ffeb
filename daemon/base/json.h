// Writes JSON text: nothing but what the commands' `-o json` needs. A Json is built by value and
// printed once; members keep the order they were added in. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace vicinity::base {

class Json {
 public:
  using Array = std::vector<Json>;
  using Object = std::vector<std::pair<std::string, Json>>;

  Json() = default;  // null
  static Json string(std::string_view text) { return Json(Value(std::string(text))); }
  static Json number(uint64_t value) { return Json(Value(value)); }
  static Json signed_number(int64_t value) { return Json(Value(value)); }
  // Always with a decimal point: 100.0, 33.333333. Infinities and NaN, which JSON lacks, are null.
  static Json real(double value) { return Json(Value(value)); }
  static Json boolean(bool value) { return Json(Value(value)); }
  static Json array(Array items = {}) { return Json(Value(std::move(items))); }
  static Json object(Object members = {}) { return Json(Value(std::move(members))); }

  // REQUIRES: this is an object (an array).
  Json& add(std::string_view key, Json value);
  Json& push(Json value);

  // One line, "{"a": 1, "b": [2]}".
  [[nodiscard]] std::string dump() const;
  // Two spaces per level; arrays and objects of scalars only stay on one line if they are short.
  [[nodiscard]] std::string pretty() const;

 private:
  using Value =
      std::variant<std::monostate, std::string, uint64_t, int64_t, double, bool, Array, Object>;
  explicit Json(Value value) : value_(std::move(value)) {}
  [[nodiscard]] std::string text(int depth) const;
  [[nodiscard]] std::vector<std::string> parts(int depth) const;

  Value value_;
};

// `text` with quotes, control characters escaped; bytes that are not UTF-8 become U+FFFD.
[[nodiscard]] std::string json_quote(std::string_view text);

}  // namespace vicinity::base
