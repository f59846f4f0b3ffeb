// Explanations of everything that a question leaves open: all ports of a service, all its families.
// What the daemon answers and what an offline explain prints. Pure.
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "compile/explain.h"
#include "model/ip_address.h"
#include "model/place.h"
#include "model/snapshot.h"

namespace vicinity::compile {

struct ServiceQuestion {
  std::string service;                  // "namespace/hostname"
  std::optional<uint16_t> port;         // unset: every port
  std::optional<model::Family> family;  // unset: those of its addresses, or of its endpoints
};

// By port, IPv4 first; never empty. NotFound: no such service, no such port, or no port at all.
[[nodiscard]] absl::StatusOr<std::vector<Explanation>> explain_service(
    const model::Snapshot& snapshot, const ServiceQuestion& question,
    const model::ClientContext& client, const CompileOptions& options);

}  // namespace vicinity::compile
