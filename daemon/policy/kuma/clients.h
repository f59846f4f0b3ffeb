// Whether a policy is for this node's connections: its client selector against what is known of the
// clients. Pure.
#pragma once

#include <cstdint>
#include <string>

#include "policy/kuma/spec.h"
#include "policy/source.h"

namespace vicinity::policy::kuma {

enum class Selected : uint8_t {
  kAll,      // every client
  kSome,     // at least one of the node's workloads, and not all of them
  kNone,     // none of those that are known
  kUnknown,  // the selector asks for what is known of no client
};

[[nodiscard]] Selected select_clients(const ClientRef& ref, const Target& target,
                                      const std::string& zone_label);

}  // namespace vicinity::policy::kuma
