#include <fmt/format.h>

#include <cmath>
#include <utility>

#include "policy/algorithm.h"
#include "policy/native/spec.h"

namespace vicinity::policy::native {
namespace {

constexpr double kLongestLoadIntervalS = 3600;

void parse_service(Fields& spec, ConnectionPolicy& result) {
  const std::string service = spec.text("service").value_or("");
  if (service == "*") return;
  if (service.empty()) {
    spec.error("service", "missing; \"*\" is every service");
  } else if (service.find_first_of("*/ ") != std::string::npos) {
    spec.error("service", fmt::format("'{}' is neither the name of a service nor \"*\"", service));
  }
  result.service = service;
}

void parse_ports(Fields& spec, ConnectionPolicy& result) {
  if (spec.take("ports") == nullptr) return;
  for (const int64_t port : spec.integers("ports", 1, UINT16_MAX)) {
    if (!result.ports.insert(static_cast<uint16_t>(port)).second) {
      spec.error("ports", fmt::format("{} stands twice", port));
    }
  }
  const Node& ports = *spec.node().find("ports");
  if (ports.is_list() && ports.items.empty()) {
    spec.error("ports", "no ports: leave it out for every port");
  }
}

void parse_affinity(Fields affinity, ConnectionPolicy& result) {
  if (!affinity.present()) return;
  result.affinity_s = kDefaultAffinityS;
  if (const auto timeout = affinity.duration("timeout")) {
    if (*timeout < 1 || *timeout > kLongestAffinityS || *timeout != std::floor(*timeout)) {
      affinity.error("timeout", fmt::format("'{}' is not whole seconds from 1s to 24h",
                                            affinity.node().find("timeout")->scalar));
    } else {
      result.affinity_s = static_cast<uint32_t>(*timeout);
    }
  }
  affinity.finish();
}

uint32_t permille(std::optional<double> number) {
  return static_cast<uint32_t>(std::lround(number.value_or(0) * 1000));
}

void parse_interval(Fields& load, LoadSpillSpec& spec) {
  const auto interval = load.duration("interval");
  if (!interval) return;
  if (*interval < 1 || *interval > kLongestLoadIntervalS) {
    load.error("interval", fmt::format("'{}' is not a duration from 1s to 1h",
                                       load.node().find("interval")->scalar));
  } else {
    spec.interval_ms = permille(interval);
  }
}

void parse_load_spill(Fields load, ConnectionPolicy& result) {
  if (!load.present()) return;
  LoadSpillSpec spec;
  spec.max_active_permille = permille(load.number("maxActivePerCapacity", 0.001, 1'000'000));
  // Nearer to what is usual than half of it nobody could tell from chance.
  spec.connect_time_permille = permille(load.number("connectTimeMultiple", 1.5, 1000));
  parse_interval(load, spec);
  spec.step_percent =
      static_cast<uint32_t>(load.integer("step", 1, 50).value_or(spec.step_percent));
  spec.max_share_percent = static_cast<uint32_t>(
      load.integer("maxSharePercent", 1, 100).value_or(spec.max_share_percent));
  if (load.node().find("maxActivePerCapacity") == nullptr &&
      load.node().find("connectTimeMultiple") == nullptr) {
    load.error("maxActivePerCapacity",
               "missing, and connectTimeMultiple too: no tier would ever be over");
  }
  load.finish();
  result.load_spill = spec;
}

}  // namespace

std::shared_ptr<const ConnectionPolicy> parse(const DocumentId& id, const Node& root,
                                              Diagnostics& out) {
  auto policy = std::make_shared<ConnectionPolicy>();
  policy->name_space = id.name_space;
  Fields document(root, {}, out);
  check_object(document);
  Fields spec = document.map("spec");
  if (!spec.present()) document.error("spec", "missing");
  if (spec.present()) {
    parse_service(spec, *policy);
    parse_ports(spec, *policy);
    parse_affinity(spec.map("sessionAffinity"), *policy);
    parse_load_spill(spec.map("spillByLoad"), *policy);
    if (spec.node().find("sessionAffinity") == nullptr &&
        spec.node().find("spillByLoad") == nullptr) {
      spec.error("sessionAffinity", "missing, and spillByLoad too: the policy would say nothing");
    }
  }
  spec.finish();
  document.finish();
  if (out.has_errors()) return nullptr;
  return policy;
}

}  // namespace vicinity::policy::native
