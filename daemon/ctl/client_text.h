// The values of --client, --service, --port and --family. Pure.
#pragma once

#include <absl/status/statusor.h>

#include <map>
#include <string>
#include <string_view>

#include "compile/explain_service.h"
#include "config/command_line.h"
#include "model/place.h"
#include "model/snapshot.h"

namespace vicinity::ctl {

// An offline client. What --client leaves out is empty, but for the cluster: as in the feed, none
// reads as "Kubernetes".
struct ClientText {
  std::string network;
  std::string cluster = "Kubernetes";
  std::string region;
  std::string zone;
  std::string subzone;
  std::string node;
  std::string name_space;  // of the client's pod; empty: not known
  std::map<std::string, std::string> labels;
  bool operator==(const ClientText&) const = default;
};

// "region=r,zone=z,subzone=s,node=n,cluster=c,network=net,namespace=ns,label.KEY=VALUE".
[[nodiscard]] absl::StatusOr<ClientText> parse_client(std::string_view text);

// An empty snapshot whose node is this client.
[[nodiscard]] model::Snapshot snapshot_for(const ClientText& client);
// As snapshot.self(), with the labels.
[[nodiscard]] model::ClientContext context_of(const ClientText& client, model::Snapshot& snapshot);

// --service, --port and --family of a command.
[[nodiscard]] absl::StatusOr<compile::ServiceQuestion> parse_question(
    const config::CommandLine& line);
// "NAMESPACE/HOSTNAME[:PORT]".
[[nodiscard]] absl::StatusOr<compile::ServiceQuestion> parse_service_port(std::string_view text);

// True for "json", false for "table" and nothing; anything else is an error.
[[nodiscard]] absl::StatusOr<bool> wants_json(const config::CommandLine& line);

}  // namespace vicinity::ctl
