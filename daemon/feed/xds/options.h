// What the xDS feed is told at start. Plain data, set once by the program; read on any thread.
#pragma once

#include <absl/time/time.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace vicinity::feed::xds {

inline constexpr std::string_view kAddressType = "type.googleapis.com/istio.workload.Address";
inline constexpr std::string_view kDeltaMethod =
    "/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources";

enum class Auth : uint8_t { kTls, kPlaintext };

// Who this client says it is. istiod wants an id of four parts with a valid address, and compares
// the namespace (and the service account, if given) with the token's.
struct NodeIdentity {
  std::string pod_name;
  std::string pod_namespace = "istio-system";
  std::string pod_ip = "127.0.0.1";
  std::string node_name;
  std::string cluster_id = "Kubernetes";
  std::string network;          // empty: not sent
  std::string mesh_id;          // empty: not sent
  std::string service_account;  // empty: not sent
};

struct XdsOptions {
  std::string address = "istiod.istio-system.svc:15012";  // HOST:PORT
  Auth auth = Auth::kTls;
  // Both files are read again at every connect. The token goes over TLS only; an empty path
  // means no token, or the system's root certificates.
  std::string root_cert_path = "/var/run/secrets/istio/root-cert.pem";
  std::string token_path = "/var/run/secrets/tokens/istio-token";
  std::string sni;  // empty: the host of `address`
  NodeIdentity node;
  int max_receive_bytes = 1 << 30;  // the largest is INT_MAX
  // istiod refuses more than 4 MiB.
  size_t max_request_bytes = 3 * (size_t{1} << 20) + (size_t{1} << 19);
  // Names that must reappear and have not are removed when no resource came for this long.
  absl::Duration resync_quiet = absl::Seconds(10);
  // An answer with nothing missing counts as complete when nothing followed for this long.
  absl::Duration sync_quiet = absl::Seconds(1);
  // istiod ends connections that ping more often than every 30 s; less is raised to that.
  absl::Duration keepalive = absl::Seconds(30);
};

}  // namespace vicinity::feed::xds
