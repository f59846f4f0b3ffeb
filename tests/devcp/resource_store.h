// What a control plane serves right now: resources by name, each with a version. Plain data; the
// dev control plane's lock guards it.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "feed/file/mesh_file.h"
#include "proto/discovery.pb.h"

namespace vicinity::devcp {

using Request = envoy::service::discovery::v3::DeltaDiscoveryRequest;
using Response = envoy::service::discovery::v3::DeltaDiscoveryResponse;
using Resource = envoy::service::discovery::v3::Resource;

inline constexpr std::string_view kAddressType = "type.googleapis.com/istio.workload.Address";

// What a stream asked for: everything, or some names.
struct Subscription {
  bool wildcard = true;
  std::set<std::string, std::less<>> names;
  [[nodiscard]] bool wants(std::string_view name) const {
    return wildcard || names.find(name) != names.end();
  }
};

class ResourceStore {
 public:
  // Replaces all resources; returns what that changes, or nothing when it changes nothing.
  std::optional<Response> replace(const std::vector<feed::NamedAddress>& resources);
  // Takes over what a recorded response says; resources without a version get one, in it too.
  void apply(Response& response);

  // The answer to a stream that has `versions` (name -> version): what differs, and what is gone,
  // in `parts` messages of about the same size. At least one message, even an empty one.
  [[nodiscard]] std::vector<Response> difference(
      const google::protobuf::Map<std::string, std::string>& versions,
      const Subscription& subscription, size_t parts) const;

  [[nodiscard]] const std::map<std::string, Resource, std::less<>>& resources() const {
    return resources_;
  }

 private:
  std::map<std::string, Resource, std::less<>> resources_;
};

[[nodiscard]] Resource make_resource(const feed::NamedAddress& address);
// Only what the subscription asked for.
[[nodiscard]] Response filtered(const Response& response, const Subscription& subscription);

}  // namespace vicinity::devcp
