// Aligned columns for people. Pure.
#pragma once

#include <string>
#include <vector>

namespace vicinity::ctl {

using Row = std::vector<std::string>;

// Columns as wide as their widest cell; an empty cell shows as "-".
[[nodiscard]] std::string table_text(const std::vector<Row>& rows);

}  // namespace vicinity::ctl
