// localityLbSetting and zoneAwareLbSetting, with Istio's own checks and, of overlapping `to`
// localities, a stricter one: there they pass or fail by chance (semantics section 4).
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "policy/istio/parse.h"
#include "policy/labels.h"

namespace vicinity::policy::istio {
namespace {

constexpr uint32_t kPercent = 100;
constexpr std::array kZoneBalancing{
    Unsupported{"minClusterSize", Severity::kWarning,
                "has no effect: zones are not balanced inside a region"},
};

struct Place {
  Fields& fields;
  std::string path;  // of the locality
  const Node& node;
  void error(std::string message) const {
    fields.diagnostics().error(node, path, std::move(message));
  }
};

std::optional<LocalityPattern> parse_pattern(const std::string& text, const Place& at) {
  LocalityPattern pattern = split_locality(text);
  const auto levels = static_cast<size_t>(std::ranges::count(text, '/')) + 1;
  if (levels > pattern.levels.size()) {
    at.error(fmt::format("'{}' has more than region/zone/subzone", text));
    return std::nullopt;
  }
  for (size_t i = 0; i < levels; ++i) {
    const std::string& level = pattern.levels[i];
    if (level.empty()) {
      at.error(fmt::format("'{}' has an empty level", text));
      return std::nullopt;
    }
    const bool star = level.find('*') != std::string::npos;
    if (star && (level != "*" || i + 1 != levels)) {
      at.error(fmt::format("'{}': a wildcard is the whole last level", text));
      return std::nullopt;
    }
  }
  return pattern;
}

void parse_to(Fields& rule, Distribute& result) {
  Fields to = rule.map("to");
  if (!to.present()) return rule.error("to", "missing");
  int64_t sum = 0;
  for (const policy::Entry& member : to.node().members) {
    const Place at{.fields = to, .path = to.path_of(member.key), .node = member.value};
    const auto percent = to.integer(member.key, 1, kPercent);
    sum += percent.value_or(0);
    const auto pattern = parse_pattern(member.key, at);
    if (!pattern) continue;
    if (std::ranges::any_of(result.to,
                            [&](const auto& other) { return overlap(other.first, *pattern); })) {
      at.error("overlaps with a locality above: which of them counts would be left to chance");
    }
    result.to.emplace_back(*pattern, static_cast<uint32_t>(percent.value_or(0)));
  }
  if (sum != kPercent) rule.error("to", fmt::format("the percentages sum to {}, not 100", sum));
}

std::vector<Distribute> parse_distribute(Fields& setting) {
  std::vector<Distribute> rules;
  const auto items = setting.list("distribute");
  for (size_t i = 0; i < items.size(); ++i) {
    Fields rule(items[i], item_path(setting.path_of("distribute"), i), setting.diagnostics());
    Distribute result;
    const std::string from = rule.text("from").value_or("");
    const Node* written = rule.node().find("from");
    const Place at{.fields = rule,
                   .path = rule.path_of("from"),
                   .node = written == nullptr ? items[i] : *written};
    if (const auto pattern = parse_pattern(from, at)) result.from = *pattern;
    for (const Distribute& earlier : rules) {
      if (!covers(earlier.from, result.from)) continue;
      at.error(fmt::format("'{}' is covered by a rule above, which always wins", from));
      break;
    }
    parse_to(rule, result);
    rule.finish();
    rules.push_back(std::move(result));
  }
  return rules;
}

void check_region(Fields& rule, std::string_view name, std::string_view region) {
  if (region.find('/') != std::string_view::npos) {
    rule.error(name, fmt::format("'{}': failover is between regions; use failoverPriority for "
                                 "zones",
                                 region));
  }
  if (region.find('*') != std::string_view::npos) {
    rule.error(name, fmt::format("'{}': a region, without a wildcard", region));
  }
}

std::vector<Failover> parse_failover(Fields& setting) {
  std::vector<Failover> rules;
  const auto items = setting.list("failover");
  for (size_t i = 0; i < items.size(); ++i) {
    Fields rule(items[i], item_path(setting.path_of("failover"), i), setting.diagnostics());
    Failover result{.from = rule.text("from").value_or(""), .to = rule.text("to").value_or("")};
    check_region(rule, "from", result.from);
    check_region(rule, "to", result.to);
    if (result.from == result.to) {
      rule.error("to", fmt::format("is the region itself, '{}'", result.from));
    }
    if (std::ranges::find(rules, result.from, &Failover::from) != rules.end()) {
      rule.warning("from",
                   fmt::format("'{}' has a rule above: this one has no effect", result.from));
    }
    rule.finish();
    rules.push_back(std::move(result));
  }
  return rules;
}

// "name" or "name=value"; more than one "=": the part before the first, without an override.
FailoverLabel split_label(std::string_view text) {
  const size_t equals = text.find('=');
  FailoverLabel label{.name = std::string(text.substr(0, equals)), .value = {}};
  if (equals != std::string_view::npos && text.find('=', equals + 1) == std::string_view::npos) {
    label.value = text.substr(equals + 1);
  }
  return label;
}

std::vector<FailoverLabel> parse_failover_priority(Fields& setting) {
  std::vector<FailoverLabel> labels;
  for (const std::string& text : setting.texts("failoverPriority")) {
    labels.push_back(split_label(text));
    const std::string& name = labels.back().name;
    if (name.empty()) setting.error("failoverPriority", fmt::format("'{}' names no label", text));
    if (std::ranges::count(text, '=') > 1) {
      setting.warning("failoverPriority",
                      fmt::format("'{}': more than one \"=\", so it overrides nothing", text));
    }
    if (label_field(name) == LabelField::kOther) {
      setting.warning("failoverPriority",
                      fmt::format("label {}: WDS does not carry it, so only workloads of a mesh "
                                  "file can have it",
                                  name));
    }
  }
  return labels;
}

bool is_locality_label(const FailoverLabel& label) {
  const LabelField field = label_field(label.name);
  return !label.value && (field == LabelField::kRegion || field == LabelField::kZone ||
                          field == LabelField::kSubzone);
}

void check_together(const LocalitySetting& result, Fields& setting) {
  if (!result.distribute.empty() && !result.failover.empty()) {
    setting.error("failover", "together with distribute: only one of them can be");
  }
  if (!result.distribute.empty() && !result.failover_priority.empty()) {
    setting.warning("failoverPriority", "has no effect together with distribute");
  }
  if (result.failover.empty()) return;
  for (const FailoverLabel& label : result.failover_priority) {
    if (!is_locality_label(label)) continue;
    setting.error("failoverPriority",
                  fmt::format("{} together with failover: both rank localities", label.name));
  }
}

}  // namespace

LocalitySetting parse_locality_setting(Fields setting) {
  LocalitySetting result;
  result.enabled = setting.boolean("enabled").value_or(true);
  result.distribute = parse_distribute(setting);
  result.failover = parse_failover(setting);
  result.failover_priority = parse_failover_priority(setting);
  check_together(result, setting);
  setting.finish();
  return result;
}

ZoneAwareSetting parse_zone_aware(Fields setting) {
  ZoneAwareSetting result;
  result.enabled = setting.boolean("enabled").value_or(false);
  result.failover = parse_failover(setting);
  result.failover_priority = parse_failover_priority(setting);
  setting.unsupported(kZoneBalancing);
  setting.diagnostics().warning(
      setting.node(), setting.path(),
      "only its tiers of regions are done: inside a region all zones share evenly; use "
      "localityLbSetting to prefer the own zone");
  setting.finish();
  return result;
}

}  // namespace vicinity::policy::istio
