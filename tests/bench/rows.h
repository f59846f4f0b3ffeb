// Which rows the connect benchmark has, in the order they are printed. Pure.
#pragma once

#include <string>
#include <vector>

#include "bench/cluster.h"
#include "bench/options.h"
#include "bench/ours.h"
#include "bench/traffic.h"

namespace vicinity::bench {

enum class Rewriter {
  kNone,
  kEmpty,
  kOurs,
  kForeign,
  kIptablesLegacy,
  kIptablesNft,
  kNftables,
  kIpvs,
};

struct VariantSpec {
  std::string group;  // rows that are compared with one another
  std::string name;
  Rewriter rewriter = Rewriter::kNone;
  ClusterSpec cluster;
  OursSpec ours = {};
  Traffic traffic = {};
  // What ours must have counted of every connect; nullptr: not looked at.
  uint64_t dataplane::Outcomes::* outcome = nullptr;
};

[[nodiscard]] std::vector<VariantSpec> variant_specs(const Options& options);

// With which rows an empty program's is compared: those that run the same hook.
[[nodiscard]] bool is_floor_of(const VariantSpec& floor, const VariantSpec& spec);

}  // namespace vicinity::bench
