// The map of pods: what the hooks know of the network namespaces of this node. Shared by all
// generations; written when the pods change, or the realms. Control thread.
#pragma once

#include <absl/container/flat_hash_map.h>
#include <absl/status/status.h>
#include <vicinity/abi.h>

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "compile/tables.h"

namespace vicinity::dataplane {

// How the sockets of one network namespace are treated.
struct Pod {
  std::string name_space;  // whose own addresses it sees first; empty: none
  bool opted_out = false;
  bool captured = false;
  std::optional<model::IpAddress> ipv4;
  std::optional<model::IpAddress> ipv6;
  bool operator==(const Pod&) const = default;
};

using Pods = std::map<uint64_t, Pod>;  // by netns cookie

class PodMap {
 public:
  using RealmOf = std::function<uint16_t(std::string_view name_space)>;

  // Takes over what is in the map. `fd` of vic_pods stays the caller's and outlives this.
  explicit PodMap(int fd);

  // Makes the map say just this. Error: there is no room for some; the others are in.
  [[nodiscard]] absl::Status set(const Pods& pods, const RealmOf& realm_of);
  // Is there a namespace that is not treated like those the map does not know?
  [[nodiscard]] bool matters() const;
  [[nodiscard]] uint16_t highest_realm() const;

 private:
  [[nodiscard]] absl::Status put(const vic_pod& entry);

  int fd_;
  absl::flat_hash_map<uint64_t, vic_pod> entries_;  // as they are in the kernel
};

}  // namespace vicinity::dataplane
