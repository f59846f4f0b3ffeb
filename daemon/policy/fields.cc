#include "policy/fields.h"

#include <absl/strings/numbers.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <tuple>
#include <utility>

#include "base/strings.h"

namespace vicinity::policy {
namespace {

struct Unit {
  std::string_view name;
  double seconds;
};
// Longer names first where one begins with another.
constexpr std::array kUnits{Unit{"ms", 1e-3}, Unit{"us", 1e-6}, Unit{"ns", 1e-9},
                            Unit{"h", 3600},  Unit{"m", 60},    Unit{"s", 1}};

const Unit* unit_at(std::string_view text) {
  const auto found = std::ranges::find_if(
      kUnits, [text](const Unit& unit) { return text.starts_with(unit.name); });
  return found == kUnits.end() ? nullptr : &*found;
}

std::optional<int64_t> whole_number(const std::string& text, int64_t least, int64_t most) {
  int64_t number = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool all = failed == std::errc() && end == text.data() + text.size();
  return all && number >= least && number <= most ? std::optional(number) : std::nullopt;
}

}  // namespace

std::string item_path(std::string_view list, size_t index) {
  return fmt::format("{}[{}]", list, index);
}

std::optional<double> duration_seconds(std::string_view text) {
  if (text.empty()) return std::nullopt;
  double seconds = 0;
  while (!text.empty()) {
    const size_t length = std::min(text.find_first_not_of("0123456789."), text.size());
    double amount = 0;
    if (length == 0 || !absl::SimpleAtod(base::absl_view(text.substr(0, length)), &amount)) {
      return std::nullopt;
    }
    text.remove_prefix(length);
    const Unit* unit = unit_at(text);
    if (unit == nullptr) return std::nullopt;
    seconds += amount * unit->seconds;
    text.remove_prefix(unit->name.size());
  }
  return seconds;
}

void Diagnostics::add(Severity severity, const Node& node, std::string path, std::string message) {
  list_.push_back({.severity = severity,
                   .line = node.line,
                   .path = std::move(path),
                   .message = std::move(message)});
}

bool Diagnostics::has_errors() const {
  return std::ranges::find(list_, Severity::kError, &Diagnostic::severity) != list_.end();
}

std::vector<Diagnostic> Diagnostics::take() {
  std::ranges::sort(list_, {}, [](const Diagnostic& one) {
    return std::tuple(one.line, std::string_view(one.path), std::string_view(one.message));
  });
  return std::exchange(list_, {});
}

Fields::Fields(const Node& node, std::string path, Diagnostics& out)
    : Fields(std::move(path), out) {
  if (node.is_map()) {
    node_ = &node;
    taken_.resize(node.members.size());
  } else {
    out.error(node, path_, fmt::format("must be a map, is {}", kind_text(node)));
  }
}

Fields Fields::map(std::string_view name) {
  const Node* member = take(name);
  if (member == nullptr) return {path_of(name), *out_};
  return {*member, path_of(name), *out_};
}

const Node& Fields::node() const {
  static const Node nothing;
  return node_ == nullptr ? nothing : *node_;
}

std::string Fields::path_of(std::string_view name) const {
  return path_.empty() ? std::string(name) : fmt::format("{}.{}", path_, name);
}

const Node* Fields::take(std::string_view name) {
  if (node_ == nullptr) return nullptr;
  const auto found = std::ranges::find(node_->members, name, &Entry::key);
  if (found == node_->members.end()) return nullptr;
  taken_[found - node_->members.begin()] = true;
  return found->value.is_null() ? nullptr : &found->value;
}

bool Fields::take_rest(std::string_view name) {
  const auto found = std::ranges::find(node().members, name, &Entry::key);
  if (found == node().members.end() || taken_[found - node().members.begin()]) return false;
  take(name);
  return true;
}

const Node* Fields::scalar(std::string_view name) {
  const Node* value = take(name);
  if (value == nullptr || value->is_scalar()) return value;
  out_->error(*value, path_of(name),
              fmt::format("must be a plain value, is {}", kind_text(*value)));
  return nullptr;
}

std::optional<std::string> Fields::text(std::string_view name) {
  const Node* value = scalar(name);
  if (value == nullptr) return std::nullopt;
  return value->scalar;
}

std::optional<bool> Fields::boolean(std::string_view name) {
  const Node* value = scalar(name);
  if (value == nullptr) return std::nullopt;
  if (!value->quoted && value->scalar == "true") return true;
  if (!value->quoted && value->scalar == "false") return false;
  error(name, fmt::format("'{}' is neither true nor false", value->scalar));
  return std::nullopt;
}

std::optional<int64_t> Fields::integer(std::string_view name, int64_t least, int64_t most) {
  const Node* value = scalar(name);
  if (value == nullptr) return std::nullopt;
  const auto number = whole_number(value->scalar, least, most);
  if (number) return number;
  error(name, fmt::format("'{}' is not a whole number from {} to {}", value->scalar, least, most));
  return std::nullopt;
}

std::optional<double> Fields::number(std::string_view name, double least, double most) {
  const Node* value = scalar(name);
  if (value == nullptr) return std::nullopt;
  double number = 0;
  // What is no number is in no range.
  if (absl::SimpleAtod(value->scalar, &number) && number >= least && number <= most) return number;
  error(name, fmt::format("'{}' is not a number from {} to {}", value->scalar, least, most));
  return std::nullopt;
}

std::vector<int64_t> Fields::integers(std::string_view name, int64_t least, int64_t most) {
  std::vector<int64_t> numbers;
  const std::span<const Node> items = list(name);
  for (size_t i = 0; i < items.size(); ++i) {
    if (const auto number = whole_number(items[i].scalar, least, most)) {
      numbers.push_back(*number);
    } else {
      out_->error(
          items[i], item_path(path_of(name), i),
          fmt::format("'{}' is not a whole number from {} to {}", items[i].scalar, least, most));
    }
  }
  return numbers;
}

std::optional<double> Fields::duration(std::string_view name) {
  const Node* value = scalar(name);
  if (value == nullptr) return std::nullopt;
  const auto seconds = duration_seconds(value->scalar);
  if (!seconds) error(name, fmt::format("'{}' is not a duration like 30s or 1m30s", value->scalar));
  return seconds;
}

std::span<const Node> Fields::list(std::string_view name) {
  const Node* value = take(name);
  if (value == nullptr) return {};
  if (value->is_list()) return value->items;
  error(name, fmt::format("must be a list, is {}", kind_text(*value)));
  return {};
}

std::vector<std::string> Fields::texts(std::string_view name) {
  std::vector<std::string> texts;
  const std::span<const Node> items = list(name);
  for (size_t i = 0; i < items.size(); ++i) {
    if (items[i].is_scalar()) {
      texts.push_back(items[i].scalar);
    } else {
      out_->error(items[i], item_path(path_of(name), i),
                  fmt::format("must be text, is {}", kind_text(items[i])));
    }
  }
  return texts;
}

const Node& Fields::place_of(std::string_view name) const {
  const Node* value = node().find(name);
  return value == nullptr ? node() : *value;
}

void Fields::error(std::string_view name, std::string message) {
  out_->error(place_of(name), path_of(name), std::move(message));
}

void Fields::warning(std::string_view name, std::string message) {
  out_->warning(place_of(name), path_of(name), std::move(message));
}

void Fields::unsupported(std::span<const Unsupported> fields) {
  for (const Unsupported& field : fields) {
    if (take(field.name) == nullptr) continue;
    out_->add(field.severity, place_of(field.name), path_of(field.name), std::string(field.advice));
  }
}

void Fields::unsupported_below(std::string_view name, std::span<const Unsupported> leaves) {
  map(name).unsupported_members(std::string(name), leaves);
}

void Fields::unsupported_members(const std::string& path, std::span<const Unsupported> leaves) {
  for (const policy::Entry& member : node().members) {
    const std::string below = fmt::format("{}.{}", path, member.key);
    const auto leaf = std::ranges::find(leaves, std::string_view(below), &Unsupported::name);
    const bool deeper = std::ranges::any_of(leaves, [&](const Unsupported& one) {
      return one.name.starts_with(below) && one.name.substr(below.size()).starts_with('.');
    });
    if (leaf != leaves.end()) {
      const Unsupported one{member.key, leaf->severity, leaf->advice};
      unsupported({&one, 1});
    } else if (deeper) {
      map(member.key).unsupported_members(below, leaves);
    }
  }
  finish();
}

void Fields::finish() {
  for (size_t i = 0; i < taken_.size(); ++i) {
    if (taken_[i]) continue;
    const Entry& member = node_->members[i];
    Node place;
    place.line = member.line;
    out_->error(place, path_of(member.key), "unknown field");
  }
}

}  // namespace vicinity::policy
