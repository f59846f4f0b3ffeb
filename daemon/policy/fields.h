// Reading a policy document's fields: every member of a map is taken by name or becomes a
// diagnostic, so that no field is silently ignored. Problems are collected, never thrown; a field
// that cannot be read counts as not there. Pure; lives as long as the tree it reads.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "policy/tree.h"

namespace vicinity::policy {

// Where the diagnostics of one document go.
class Diagnostics {
 public:
  void error(const Node& node, std::string path, std::string message) {
    add(Severity::kError, node, std::move(path), std::move(message));
  }
  void warning(const Node& node, std::string path, std::string message) {
    add(Severity::kWarning, node, std::move(path), std::move(message));
  }
  void add(Severity severity, const Node& node, std::string path, std::string message);
  [[nodiscard]] bool has_errors() const;
  // In order of line.
  [[nodiscard]] std::vector<Diagnostic> take();

 private:
  std::vector<Diagnostic> list_;
};

// A field that is not implemented: what to say about it. `name` is a member's; for
// unsupported_below() the path from where that is called, "tls.mode".
struct Unsupported {
  std::string_view name;
  Severity severity = Severity::kWarning;
  std::string_view advice;  // "connection limits are not enforced: ..."
};

// The members of one map. Its destructor does not report: call finish().
class Fields {
 public:
  // A node that is no map is an error, and has no members.
  Fields(const Node& node, std::string path, Diagnostics& out);
  // Of a member; an absent one is empty and `present()` is false.
  [[nodiscard]] Fields map(std::string_view name);

  [[nodiscard]] bool present() const { return node_ != nullptr; }
  [[nodiscard]] const Node& node() const;
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string path_of(std::string_view name) const;
  [[nodiscard]] Diagnostics& diagnostics() { return *out_; }

  // Marks the member as read. nullptr: absent, or null.
  const Node* take(std::string_view name);
  // Takes the member if nobody has yet; false: somebody has, or there is none.
  bool take_rest(std::string_view name);
  [[nodiscard]] std::optional<std::string> text(std::string_view name);
  [[nodiscard]] std::optional<bool> boolean(std::string_view name);
  // A whole number in [least, most].
  [[nodiscard]] std::optional<int64_t> integer(std::string_view name, int64_t least, int64_t most);
  // Any number in [least, most].
  [[nodiscard]] std::optional<double> number(std::string_view name, double least, double most);
  // Those of a list that are whole numbers in [least, most]; any other item is an error.
  [[nodiscard]] std::vector<int64_t> integers(std::string_view name, int64_t least, int64_t most);
  // Seconds. "1h2m3.5s", "100ms"; not negative.
  [[nodiscard]] std::optional<double> duration(std::string_view name);
  // The items of a list; anything else is an error.
  [[nodiscard]] std::span<const Node> list(std::string_view name);
  [[nodiscard]] std::vector<std::string> texts(std::string_view name);

  void error(std::string_view name, std::string message);
  void warning(std::string_view name, std::string message);
  // Takes those that are there, each with its advice.
  void unsupported(std::span<const Unsupported> fields);
  // Takes the member and all below it: each that `leaves` has by its path gets its advice, any
  // other is unknown.
  void unsupported_below(std::string_view name, std::span<const Unsupported> leaves);
  // Everything that nobody took: "unknown field", an error each.
  void finish();

 private:
  // `path` of this map, as the leaves have it.
  void unsupported_members(const std::string& path, std::span<const Unsupported> leaves);
  Fields(std::string path, Diagnostics& out) : path_(std::move(path)), out_(&out) {}
  const Node* scalar(std::string_view name);
  [[nodiscard]] const Node& place_of(std::string_view name) const;

  const Node* node_ = nullptr;
  std::string path_;
  Diagnostics* out_;
  std::vector<bool> taken_;
};

[[nodiscard]] std::string item_path(std::string_view list, size_t index);  // "a.b[2]"
// "1m30s" in seconds; nullopt: not a duration.
[[nodiscard]] std::optional<double> duration_seconds(std::string_view text);

}  // namespace vicinity::policy
