#include "base/documents.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>

namespace vicinity::base {
namespace {

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
constexpr size_t kMarkerSize = 3;

bool is_marker(std::string_view line, std::string_view marker) {
  if (!line.starts_with(marker)) return false;
  return line.size() == kMarkerSize ||
         std::string_view(" \t\r").find(line[kMarkerSize]) != std::string_view::npos;
}

bool has_content(std::string_view line) {
  const size_t first = line.find_first_not_of(" \t\r");
  if (first == std::string_view::npos || line[first] == '#') return false;
  return line[0] != '%';
}

// The document being collected.
class Collector {
 public:
  void add(std::string_view line) {
    content_ = content_ || has_content(line);
    text_.append(line);
    text_.push_back('\n');
  }

  void end(int next_line) {
    if (content_) {
      const int number = static_cast<int>(documents_.size()) + 1;
      documents_.push_back({.number = number, .line = first_line_, .text = std::move(text_)});
    }
    text_.clear();
    content_ = false;
    first_line_ = next_line;
  }

  std::vector<Document> take() { return std::move(documents_); }

 private:
  std::vector<Document> documents_;
  std::string text_;
  int first_line_ = 1;
  bool content_ = false;
};

// Length of the UTF-8 sequence that begins `text`; 0: there is none.
size_t sequence_length(std::string_view text) {
  const auto at = [text](size_t i) { return static_cast<uint8_t>(text[i]); };
  const uint8_t lead = at(0);
  if (lead < 0x80) return 1;
  const size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < length) return 0;
  for (size_t i = 1; i < length; ++i) {
    if ((at(i) & 0xc0) != 0x80) return 0;
  }
  // Overlong forms, surrogates, and what lies above U+10FFFF.
  const bool bad = (lead == 0xe0 && at(1) < 0xa0) || (lead == 0xed && at(1) > 0x9f) ||
                   (lead == 0xf0 && at(1) < 0x90) || (lead == 0xf4 && at(1) > 0x8f);
  return bad ? 0 : length;
}

bool is_control(char c) {
  const auto byte = static_cast<uint8_t>(c);
  return (byte < 0x20 && c != '\t' && c != '\n' && c != '\r') || byte == 0x7f;
}

}  // namespace

std::vector<Document> split_documents(std::string_view text) {
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  Collector collector;
  int number = 0;
  while (!text.empty()) {
    ++number;
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (is_marker(line, "...")) {
      collector.end(number + 1);
      continue;
    }
    if (!is_marker(line, "---")) {
      collector.add(line);
      continue;
    }
    collector.end(number);
    // What follows the marker on its line belongs to the new document, at its own column.
    collector.add(std::string(kMarkerSize, ' ').append(line.substr(kMarkerSize)));
  }
  collector.end(number + 1);
  return collector.take();
}

BadText check_encoding(const Document& document) {
  std::string_view rest = document.text;
  int line = document.line;
  while (!rest.empty()) {
    const size_t length = sequence_length(rest);
    if (length == 0) return {.line = line, .message = "is not UTF-8"};
    if (is_control(rest[0])) {
      return {.line = line,
              .message = fmt::format("control character 0x{:02x}", static_cast<uint8_t>(rest[0]))};
    }
    if (rest[0] == '\n') ++line;
    rest.remove_prefix(length);
  }
  return {};
}

}  // namespace vicinity::base
