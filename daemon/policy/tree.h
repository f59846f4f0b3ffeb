// One YAML document as a plain tree that remembers its lines, so that nothing but tree.cc knows
// the YAML library and every diagnostic can say where it points. Values only; pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/documents.h"

namespace vicinity::policy {

struct Entry;

struct Node {
  enum class Kind : uint8_t { kNull, kScalar, kList, kMap };
  Kind kind = Kind::kNull;
  int line = 0;         // of the stream, from 1
  bool quoted = false;  // a scalar in quotes is text, whatever it looks like
  std::string scalar;
  std::vector<Node> items;
  std::vector<Entry> members;  // in the document's order, keys unique

  [[nodiscard]] bool is_map() const { return kind == Kind::kMap; }
  [[nodiscard]] bool is_list() const { return kind == Kind::kList; }
  [[nodiscard]] bool is_scalar() const { return kind == Kind::kScalar; }
  [[nodiscard]] bool is_null() const { return kind == Kind::kNull; }
  // nullptr: no such member, or not a map.
  [[nodiscard]] const Node* find(std::string_view key) const;
};

struct Entry {
  std::string key;
  int line = 0;  // of the key
  Node value;
};

// What is wrong, or odd, at one place of a document. An error refuses the document.
enum class Severity : uint8_t { kError, kWarning };
struct Diagnostic {
  Severity severity = Severity::kError;
  int line = 0;      // of the stream, from 1
  std::string path;  // "spec.trafficPolicy.loadBalancer"; empty: the document itself
  std::string message;
  bool operator==(const Diagnostic&) const = default;
};

// With problems, `root` is what could be read, perhaps nothing: never use it as a policy.
struct Tree {
  Node root;
  std::vector<Diagnostic> problems;
};
[[nodiscard]] Tree read_tree(const base::Document& document);
// The text of a block scalar that is YAML itself; `line` is where its first line stands.
[[nodiscard]] Tree read_tree(std::string_view text, int line);

// "a map", "a list", "text".
[[nodiscard]] std::string_view kind_text(const Node& node);

}  // namespace vicinity::policy
