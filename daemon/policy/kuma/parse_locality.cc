// localityAwareness: localZone, crossZone, and what of it can never have an effect.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "policy/kuma/parse.h"
#include "policy/kuma/plan.h"
#include "policy/labels.h"

namespace vicinity::policy::kuma {
namespace {

struct ToName {
  std::string_view name;
  ToZones to;
};
constexpr std::array kToNames{ToName{"Any", ToZones::kAny}, ToName{"Only", ToZones::kOnly},
                              ToName{"AnyExcept", ToZones::kAnyExcept},
                              ToName{"None", ToZones::kNone}};

AffinityTag parse_affinity_tag(Fields item) {
  AffinityTag tag;
  tag.key = item.text("key").value_or("");
  if (tag.key.empty()) item.error("key", "missing");
  if (const auto weight = item.integer("weight", 1, UINT32_MAX)) {
    tag.weight = static_cast<uint32_t>(*weight);
  }
  if (!tag.key.empty() && label_field(tag.key) == LabelField::kOther) {
    item.warning("key", fmt::format("tag {} is a label, which WDS does not carry: it counts only "
                                    "where a mesh file gives the workloads' labels, and is skipped "
                                    "for clients whose labels are not known",
                                    tag.key));
  }
  item.finish();
  return tag;
}

std::vector<AffinityTag> parse_affinity_tags(Fields& zone) {
  std::vector<AffinityTag> tags;
  const auto items = zone.list("affinityTags");
  for (size_t i = 0; i < items.size(); ++i) {
    Fields item(items[i], item_path(zone.path_of("affinityTags"), i), zone.diagnostics());
    if (item.present()) tags.push_back(parse_affinity_tag(std::move(item)));
  }
  const auto weighted = std::ranges::count_if(tags, [](const auto& tag) { return !!tag.weight; });
  if (weighted != 0 && static_cast<size_t>(weighted) != tags.size()) {
    zone.error("affinityTags", "all tags must have a weight, or none");
  }
  if (tags.size() > kMaxAffinityTags) {
    zone.error("affinityTags", fmt::format("{} tags: the weights of more than {} do not fit",
                                           tags.size(), kMaxAffinityTags));
  }
  return tags;
}

LocalZone parse_local_zone(Fields zone) {
  LocalZone result;
  if (zone.node().find("affinityTags") != nullptr) result.affinity_tags = parse_affinity_tags(zone);
  zone.finish();
  return result;
}

std::vector<std::string> parse_zones(Fields& at) {
  std::vector<std::string> zones = at.texts("zones");
  for (size_t i = 0; i < zones.size(); ++i) {
    if (zones[i].empty()) at.error("zones", fmt::format("zone {} has an empty name", i));
  }
  return zones;
}

void parse_from(Fields from, FailoverRule& rule) {
  if (!from.present()) return;
  rule.from = parse_zones(from);
  if (rule.from->empty()) {
    from.warning("zones", "no zones: the rule never applies; leave `from` out for all zones");
  }
  from.finish();
}

void parse_to_zones(Fields to, FailoverRule& rule) {
  const std::string type = to.text("type").value_or("");
  rule.zones = parse_zones(to);
  const auto known = std::ranges::find(kToNames, type, &ToName::name);
  if (known == kToNames.end()) {
    to.error("type", type.empty()
                         ? "missing"
                         : fmt::format("'{}' is not one of Any, Only, AnyExcept, None", type));
  } else {
    rule.to = known->to;
    const bool wants = rule.to == ToZones::kOnly || rule.to == ToZones::kAnyExcept;
    if (wants && rule.zones.empty()) to.error("zones", fmt::format("missing for type {}", type));
    if (!wants && !rule.zones.empty()) {
      to.error("zones", fmt::format("must be empty for type {}", type));
    }
  }
  to.finish();
}

FailoverRule parse_rule(Fields item) {
  FailoverRule rule;
  parse_from(item.map("from"), rule);
  Fields to = item.map("to");
  if (to.present()) {
    parse_to_zones(std::move(to), rule);
  } else {
    item.error("to", "missing");
  }
  item.finish();
  return rule;
}

std::optional<Percentage> parse_threshold(Fields threshold) {
  if (!threshold.present()) return std::nullopt;
  const auto text = threshold.text("percentage");
  threshold.finish();
  if (!text) {
    if (threshold.node().find("percentage") == nullptr) threshold.error("percentage", "missing");
    return std::nullopt;
  }
  const auto percentage = parse_decimal(*text);
  if (percentage && is_threshold(*percentage)) return percentage;
  threshold.error("percentage", fmt::format("'{}' is not a number above 0 and at most 100", *text));
  return std::nullopt;
}

CrossZone parse_cross_zone(Fields zone) {
  CrossZone result;
  std::vector<FailoverRule> rules;
  const auto items = zone.list("failover");
  for (size_t i = 0; i < items.size(); ++i) {
    Fields item(items[i], item_path(zone.path_of("failover"), i), zone.diagnostics());
    if (item.present()) rules.push_back(parse_rule(std::move(item)));
  }
  if (zone.node().find("failover") != nullptr) result.failover = std::move(rules);
  result.threshold = parse_threshold(zone.map("failoverThreshold"));
  zone.finish();
  return result;
}

}  // namespace

LocalityAwareness parse_locality(Fields locality) {
  LocalityAwareness result;
  result.disabled = locality.boolean("disabled");
  if (Fields zone = locality.map("localZone"); zone.present()) {
    result.local_zone = parse_local_zone(std::move(zone));
  }
  if (Fields zone = locality.map("crossZone"); zone.present()) {
    result.cross_zone = parse_cross_zone(std::move(zone));
  }
  if (result.disabled.value_or(false) && (result.local_zone || result.cross_zone)) {
    locality.warning("disabled", "has no effect beside localZone and crossZone");
  }
  locality.finish();
  return result;
}

}  // namespace vicinity::policy::kuma
