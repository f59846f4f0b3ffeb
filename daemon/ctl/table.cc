#include "ctl/table.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

namespace vicinity::ctl {

std::string table_text(const std::vector<Row>& rows) {
  const auto cell = [](const std::string& text) {
    return text.empty() ? std::string_view("-") : std::string_view(text);
  };
  std::vector<size_t> widths;
  for (const Row& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], cell(row[i]).size());
  }
  std::string text;
  for (const Row& row : rows) {
    for (size_t i = 0; i + 1 < row.size(); ++i) {
      text += fmt::format("{:<{}}  ", cell(row[i]), widths[i]);
    }
    text += fmt::format("{}\n", cell(row.back()));
  }
  return text;
}

}  // namespace vicinity::ctl
