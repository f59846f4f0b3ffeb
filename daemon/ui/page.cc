#include "ui/page.h"

#include <cstddef>
#include <span>

namespace vicinity::ui {

std::span<const std::byte> page_html();
std::span<const std::byte> page_css();
std::span<const std::byte> page_js();

namespace {

std::string_view text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// `mark` stands in it once.
void put(std::string& text, std::string_view mark, std::string_view content) {
  const size_t at = text.find(mark);
  if (at != std::string::npos) text.replace(at, mark.size(), content);
}

std::string element(std::string_view tag, std::string_view nonce, std::string_view content) {
  std::string text = "<";
  text.append(tag).append(" nonce=\"").append(nonce).append("\">\n").append(content);
  return text.append("</").append(tag).append(">");
}

}  // namespace

std::string page(std::string_view nonce) {
  std::string text(text_of(page_html()));
  put(text, "<!-- style -->", element("style", nonce, text_of(page_css())));
  put(text, "<!-- script -->", element("script", nonce, text_of(page_js())));
  return text;
}

}  // namespace vicinity::ui
