// A YAML stream cut into its documents before anything is parsed, so that a syntax error in one
// leaves the others whole. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace vicinity::base {

struct Document {
  int number = 0;  // from 1, counting only documents with content
  int line = 0;    // of the stream, from 1, where `text` begins
  std::string text;
};

// Documents end at a line that begins with "---" or "..."; YAML allows neither inside a scalar.
// Those of blanks, comments and directives only are left out.
[[nodiscard]] std::vector<Document> split_documents(std::string_view text);

// Why a YAML parser should not see `text` at all: not UTF-8, or control characters (yaml-cpp takes
// 0x04 for the end of the file). Empty: nothing.
struct BadText {
  int line = 0;
  std::string message;
};
[[nodiscard]] BadText check_encoding(const Document& document);

}  // namespace vicinity::base
