// What a ConnectionPolicy says, read and checked. Plain data.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "policy/source.h"

namespace vicinity::policy::native {

inline constexpr uint32_t kDefaultAffinityS = 10800;  // Kubernetes' sessionAffinityConfig

class ConnectionPolicy final : public Spec {
 public:
  std::string name_space;
  std::string service;       // its short name, or its host name; empty: every service
  std::set<uint16_t> ports;  // empty: every port
  std::optional<uint32_t> affinity_s;
  std::optional<LoadSpillSpec> load_spill;

  // Leaves namespace and port aside: a policy of the root namespace is for all of them.
  [[nodiscard]] bool concerns(const model::Service& service,
                              const model::Symbols& symbols) const override;
};

// nullptr: there are errors.
[[nodiscard]] std::shared_ptr<const ConnectionPolicy> parse(const DocumentId& id, const Node& root,
                                                            Diagnostics& out);

}  // namespace vicinity::policy::native
