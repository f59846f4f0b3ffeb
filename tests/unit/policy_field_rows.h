// One field of a policy's schema a row: where it stands, a value, and what is said about it. For
// tests that walk all fields of a schema.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "policy/book/load.h"

namespace vicinity::testing {

struct FieldRow {
  std::string path;     // "a.b[0].c", below what the test puts around it
  std::string value;    // flow YAML
  std::string finding;  // "warning: MESSAGE", at the path; "" = implemented
};

// "a.b[0].c" and "1" -> "a: {b: [{c: 1}]}".
inline std::string nested(std::string_view path, std::string_view value) {
  const size_t dot = path.find('.');
  std::string_view name = path.substr(0, dot);
  std::string text = dot == std::string_view::npos
                         ? std::string(value)
                         : "{" + nested(path.substr(dot + 1), value) + "}";
  if (name.ends_with("[0]")) {
    name.remove_suffix(3);
    text = "[" + text + "]";
  }
  return fmt::format("{}: {}", name, text);
}

// "warning: spec.host: ..." of each finding, without file, line and document.
inline std::vector<std::string> field_findings(const std::string& document) {
  const policy::book::FileText file{.file = "p.yaml", .text = document};
  std::vector<std::string> lines;
  for (const auto& finding : policy::book::load({&file, 1}).findings) {
    const bool error = finding.diagnostic.severity == policy::Severity::kError;
    lines.push_back(fmt::format("{}: {}: {}", error ? "error" : "warning", finding.diagnostic.path,
                                finding.diagnostic.message));
  }
  return lines;
}

// `head` stands before the row's path in findings: "spec.".
inline void expect_field(const FieldRow& row, const std::string& head,
                         const std::string& document) {
  std::vector<std::string> expected;
  if (!row.finding.empty()) {
    const bool error = row.finding.starts_with("error: ");
    const std::string severity = error ? "error" : "warning";
    expected.push_back(fmt::format("{}: {}{}: {}", severity, head, row.path,
                                   row.finding.substr(severity.size() + 2)));
  }
  EXPECT_EQ(field_findings(document), expected) << document;
}

}  // namespace vicinity::testing
