#include "dataplane/verdict.h"

#include <vicinity/abi.h>

#include <array>

namespace vicinity::dataplane {

Verdict verdict_of(uint32_t outcome) {
  // By enum vic_outcome.
  static constexpr std::array<Verdict, VIC_OUTCOME_COUNT> kVerdicts{{
      {"translated", ""},
      {"passed", "not_a_service"},
      {"refused", "empty"},
      {"passed", "empty"},
      {"passed", "passthrough"},
      {"passed", "unknown_port"},
      {"refused", "unknown_port"},
      {"passed", "lease_expired"},
      {"passed", "own_socket"},
      {"passed", "internal_error"},
      {"passed", "unrecorded"},
      {"passed", "waypoint"},
      {"passed", "opted_out"},
      {"passed", "captured"},
      {"passed", "host_network"},
      {"passed", "kernel_socket"},
  }};
  return outcome < kVerdicts.size() ? kVerdicts[outcome] : kVerdicts[VIC_OUTCOME_INTERNAL_ERROR];
}

}  // namespace vicinity::dataplane
