#include "compile/tables.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "compile/compile.h"

namespace vicinity::compile {
namespace {

std::string watch_text(const Watch& watch) {
  return fmt::format(" watch refused={} timeouts={} suspicion={}ms most={}", watch.refused_in_row,
                     watch.timeouts_in_row, watch.suspicion_ms, watch.most_suspects);
}

std::string port_text(const PortTable& table) {
  std::string text = fmt::format(
      "  port {} {} {} {} on_empty={}{}{}{}{}\n", table.port, model::family_name(table.family),
      policy::mode_name(table.mode), policy::to_text(table.algorithm),
      policy::on_empty_name(table.on_empty), table.weighted ? " weighted" : "",
      table.had_workload ? "" : " never-had-workload",
      table.pass == policy::Pass::kAsked ? ""
                                         : fmt::format(" pass={}", policy::pass_name(table.pass)),
      table.watch ? watch_text(*table.watch) : "");
  for (size_t i = 0; i < table.tiers.size(); ++i) {
    const TableTier& tier = table.tiers[i];
    text += fmt::format("    tier {} priority={} load={} slots={}\n", i, tier.priority,
                        tier.load_percent, tier.count);
  }
  const std::vector<double> shares = slot_shares(table);
  for (size_t i = 0; i < table.slots.size(); ++i) {
    const Slot& slot = table.slots[i];
    text += fmt::format("    slot {} {} tier={} weight={} share={:.4f}%", i,
                        model::endpoint_text(slot.address, slot.port), slot.tier, slot.weight,
                        shares[i] * 100);
    if (table.weighted && i < table.loaded) {
      text += fmt::format(" alias={}/{}", slot.threshold, slot.other);
    }
    text += "\n";
  }
  return text;
}

}  // namespace

bool PortTable::has_aliases() const {
  return weighted || std::ranges::any_of(slots, [](const Slot& slot) { return slot.weight != 1; });
}

bool ServiceTable::has_family(model::Family family) const {
  const auto of_family = [family](const model::OwnedAddress& one) {
    return one.ip.family == family;
  };
  return std::ranges::find(addresses, family, &model::IpAddress::family) != addresses.end() ||
         std::ranges::any_of(scoped, of_family);
}

std::string to_text(const ServiceTable& table) {
  std::vector<std::string> addresses;
  for (const auto& address : table.addresses) addresses.push_back(address.to_string());
  for (const auto& one : table.scoped) {
    const bool everyone = one.audience == model::Audience::kEveryone;
    addresses.push_back(model::prefix_text(one.ip, one.length) +
                        (everyone ? "" : "(own namespace)"));
  }
  std::string text =
      fmt::format("service {} addresses={}\n", table.name, fmt::join(addresses, ","));
  for (const PortTable& port : table.ports) text += port_text(port);
  return text;
}

std::string to_text(const Tables& tables) {
  std::string text;
  for (const auto& [name, table] : tables.services) text += to_text(table);
  return text;
}

}  // namespace vicinity::compile
