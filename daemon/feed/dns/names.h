// Host names and their addresses, as workloads that have a name instead of an address need them.
#pragma once

#include <absl/time/time.h>

#include <set>
#include <string>
#include <vector>

#include "model/ip_address.h"

namespace vicinity::feed::dns {

struct Answer {
  std::string hostname;
  std::vector<model::IpAddress> addresses;  // of both families, sorted; empty: see `error`
  std::string error;                        // why there is no answer
  bool operator==(const Answer&) const = default;
};

// Looks names up in the background, again and again. Control thread.
class Names {
 public:
  virtual ~Names() = default;
  // From now on exactly these.
  virtual void want(std::set<std::string> hostnames) = 0;
  // What has come since the last call.
  [[nodiscard]] virtual std::vector<Answer> take() = 0;
};

}  // namespace vicinity::feed::dns
