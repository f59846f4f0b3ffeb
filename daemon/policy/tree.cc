#include "policy/tree.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <utility>

namespace vicinity::policy {
namespace {

constexpr int kMaxDepth = 100;

class Reader {
 public:
  explicit Reader(int first_line) : first_line_(first_line) {}

  Node read(const YAML::Node& from, int depth = 0) {
    Node node;
    node.line = line_of(from.Mark());
    if (depth > kMaxDepth) {
      reject(node.line, fmt::format("nested deeper than {} levels", kMaxDepth));
      return node;
    }
    if (from.IsScalar()) read_scalar(from, node);
    if (from.IsSequence()) read_list(from, depth, node);
    if (from.IsMap()) read_map(from, depth, node);
    return node;
  }

  void reject(int line, std::string message) {
    problems.push_back(
        {.severity = Severity::kError, .line = line, .path = {}, .message = std::move(message)});
  }
  [[nodiscard]] int line_of(const YAML::Mark& mark) const {
    return first_line_ + std::max(mark.line, 0);
  }

  std::vector<Diagnostic> problems;

 private:
  static void read_scalar(const YAML::Node& from, Node& node) {
    node.kind = Node::Kind::kScalar;
    node.scalar = from.Scalar();
    node.quoted = from.Tag() == "!";
  }

  void read_list(const YAML::Node& from, int depth, Node& node) {
    node.kind = Node::Kind::kList;
    for (const YAML::Node& item : from) node.items.push_back(read(item, depth + 1));
  }

  void read_map(const YAML::Node& from, int depth, Node& node) {
    node.kind = Node::Kind::kMap;
    for (const auto& entry : from) {
      const int line = line_of(entry.first.Mark());
      if (!entry.first.IsScalar()) {
        reject(line, "a key must be text");
        continue;
      }
      const std::string& key = entry.first.Scalar();
      if (node.find(key) != nullptr) {
        reject(line, fmt::format("the key \"{}\" stands twice", key));
        continue;
      }
      node.members.push_back({.key = key, .line = line, .value = read(entry.second, depth + 1)});
    }
  }

  int first_line_;
};

// yaml-cpp reports with exceptions; they end here.
Tree load(const std::string& text, int line) {
  Reader reader(line);
  Tree tree;
  try {
    tree.root = reader.read(YAML::Load(text));
  } catch (const YAML::Exception& error) {
    reader.reject(reader.line_of(error.mark), "malformed YAML: " + error.msg);
  }
  tree.problems = std::move(reader.problems);
  return tree;
}

}  // namespace

const Node* Node::find(std::string_view key) const {
  const auto found = std::ranges::find(members, key, &Entry::key);
  return found == members.end() ? nullptr : &found->value;
}

Tree read_tree(const base::Document& document) {
  if (auto bad = check_encoding(document); !bad.message.empty()) {
    Tree tree;
    tree.problems.push_back({.severity = Severity::kError,
                             .line = bad.line,
                             .path = {},
                             .message = std::move(bad.message)});
    return tree;
  }
  return load(document.text, document.line);
}

Tree read_tree(std::string_view text, int line) { return load(std::string(text), line); }

std::string_view kind_text(const Node& node) {
  switch (node.kind) {
    case Node::Kind::kNull:
      return "nothing";
    case Node::Kind::kScalar:
      return "a plain value";
    case Node::Kind::kList:
      return "a list";
    case Node::Kind::kMap:
      return "a map";
  }
  return "?";
}

}  // namespace vicinity::policy
