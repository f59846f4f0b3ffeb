// The mesh of most e2e tests: one service, endpoints on this node, as a mesh file.
#pragma once

#include <absl/status/statusor.h>

#include <string>
#include <vector>

#include "base/status.h"
#include "compile/tables.h"

namespace vicinity::testing {

inline constexpr const char* kWebService = "sample/web.example";

// A service at `vip`:80 with endpoints of these addresses, port 8080, on node "worker".
inline std::string web_mesh(const std::string& vip, const std::vector<std::string>& endpoints,
                            int service_port = 80) {
  const std::string port = std::to_string(service_port);
  std::string text = "service:\n  name: web\n  namespace: sample\n  hostname: web.example\n";
  text +=
      "  addresses: [\"" + vip + "\"]\n  ports: [{servicePort: " + port + ", targetPort: 8080}]\n";
  for (const auto& address : endpoints) {
    text += "---\nworkload:\n  uid: pod-" + address + "\n  name: pod-" + address +
            "\n  namespace: sample\n  node: worker\n  addresses: [\"" + address +
            "\"]\n  services: {\"sample/web.example\": {ports: [{servicePort: " + port +
            ", targetPort: 8080}]}}\n";
  }
  return text;
}

// "10.244.1.5 10.244.1.6": the endpoints of the service in these tables.
inline std::string web_endpoints(const absl::StatusOr<compile::Tables>& tables) {
  if (!tables.ok()) return std::string(base::message(tables.status()));
  const auto found = tables->services.find(kWebService);
  if (found == tables->services.end()) return "none";
  std::string text;
  for (const auto& port : found->second.ports) {
    for (const auto& slot : port.slots)
      text += (text.empty() ? "" : " ") + slot.address.to_string();
  }
  return text;
}

}  // namespace vicinity::testing
