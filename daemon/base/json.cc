#include "base/json.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>
#include <cstddef>

namespace vicinity::base {
namespace {

constexpr size_t kLineWidth = 100;
constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

bool continuation(std::string_view text, size_t at) {
  return at < text.size() && (static_cast<uint8_t>(text[at]) & 0xC0) == 0x80;
}

size_t lead_length(uint8_t lead) {
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead < 0xE0) return 2;
  if (lead >= 0xE0 && lead < 0xF0) return 3;
  if (lead >= 0xF0 && lead < 0xF5) return 4;
  return 0;
}

// Overlong forms, surrogates and values over U+10FFFF show in the second byte.
bool second_byte_valid(uint8_t lead, uint8_t second) {
  if (lead == 0xE0) return second >= 0xA0;
  if (lead == 0xED) return second < 0xA0;
  if (lead == 0xF0) return second >= 0x90;
  if (lead == 0xF4) return second < 0x90;
  return true;
}

// Bytes of the UTF-8 sequence at `at`; 0 when it is none.
size_t sequence_length(std::string_view text, size_t at) {
  const auto lead = static_cast<uint8_t>(text[at]);
  const size_t length = lead_length(lead);
  for (size_t i = 1; i < length; ++i) {
    if (!continuation(text, at + i)) return 0;
  }
  if (length > 1 && !second_byte_valid(lead, static_cast<uint8_t>(text[at + 1]))) return 0;
  return length;
}

std::string escaped_ascii(char c) {
  switch (c) {
    case '"':
      return "\\\"";
    case '\\':
      return "\\\\";
    case '\n':
      return "\\n";
    case '\r':
      return "\\r";
    case '\t':
      return "\\t";
    default:
      break;
  }
  if (static_cast<uint8_t>(c) < 0x20 || c == 0x7f) {
    return fmt::format("\\u{:04x}", static_cast<unsigned>(c));
  }
  return std::string(1, c);
}

std::string real_text(double value) {
  if (!std::isfinite(value)) return "null";
  // The shortest text that reads back as the same number: shares must still sum to 100.
  std::string text = fmt::format("{}", value);
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}

struct ScalarText {
  std::string operator()(std::monostate) const { return "null"; }
  std::string operator()(const std::string& text) const { return json_quote(text); }
  std::string operator()(uint64_t value) const { return fmt::format("{}", value); }
  std::string operator()(int64_t value) const { return fmt::format("{}", value); }
  std::string operator()(double value) const { return real_text(value); }
  std::string operator()(bool value) const { return value ? "true" : "false"; }
  std::string operator()(const Json::Array&) const { return {}; }
  std::string operator()(const Json::Object&) const { return {}; }
};

// What goes between the items of a container: one line, or a line each.
struct Separator {
  std::string open;
  std::string between;
  std::string close;
};

Separator separator(int depth) {
  if (depth < 0) return {"", ", ", ""};
  const std::string inner = "\n" + std::string(static_cast<size_t>(depth + 1) * 2, ' ');
  return {inner, "," + inner, "\n" + std::string(static_cast<size_t>(depth) * 2, ' ')};
}

}  // namespace

std::string json_quote(std::string_view text) {
  std::string out = "\"";
  for (size_t at = 0; at < text.size();) {
    const size_t length = sequence_length(text, at);
    if (length == 0) {
      out += kReplacement;
    } else if (length == 1) {
      out += escaped_ascii(text[at]);
    } else {
      out += text.substr(at, length);
    }
    at += length == 0 ? 1 : length;
  }
  return out + "\"";
}

Json& Json::add(std::string_view key, Json value) {
  std::get<Object>(value_).emplace_back(std::string(key), std::move(value));
  return *this;
}

Json& Json::push(Json value) {
  std::get<Array>(value_).push_back(std::move(value));
  return *this;
}

// The items of a container, each as text. REQUIRES: this is one.
std::vector<std::string> Json::parts(int depth) const {
  std::vector<std::string> parts;
  if (const auto* array = std::get_if<Array>(&value_)) {
    for (const Json& item : *array) parts.push_back(item.text(depth));
    return parts;
  }
  for (const auto& [key, value] : std::get<Object>(value_)) {
    parts.push_back(json_quote(key) + ": " + value.text(depth));
  }
  return parts;
}

// depth < 0: everything on one line.
std::string Json::text(int depth) const {
  const bool is_array = std::holds_alternative<Array>(value_);
  if (!is_array && !std::holds_alternative<Object>(value_)) return std::visit(ScalarText{}, value_);
  if (depth >= 0) {
    std::string line = dump();
    if (line.size() + static_cast<size_t>(depth) * 2 <= kLineWidth) return line;
  }
  const Separator gap = separator(depth);
  const std::string inside =
      fmt::format("{}", fmt::join(parts(depth < 0 ? depth : depth + 1), gap.between));
  return fmt::format("{}{}{}{}{}", is_array ? '[' : '{', gap.open, inside, gap.close,
                     is_array ? ']' : '}');
}

std::string Json::dump() const { return text(-1); }

std::string Json::pretty() const { return text(0) + "\n"; }

}  // namespace vicinity::base
