#include "feed/xds/requests.h"

#include <absl/status/status.h>
#include <fmt/format.h>
#include <google/protobuf/io/coded_stream.h>

#include "proto/discovery.pb.h"

namespace vicinity::feed::xds {
namespace {

using envoy::service::discovery::v3::DeltaDiscoveryRequest;
using google::protobuf::io::CodedOutputStream;

void set(google::protobuf::Struct& metadata, const std::string& key, const std::string& value) {
  if (!value.empty()) (*metadata.mutable_fields())[key].set_string_value(value);
}

void fill_node(const NodeIdentity& identity, envoy::config::core::v3::Node& node) {
  node.set_id(node_id(identity));
  google::protobuf::Struct& metadata = *node.mutable_metadata();
  set(metadata, "NAMESPACE", identity.pod_namespace);
  set(metadata, "CLUSTER_ID", identity.cluster_id);
  set(metadata, "INSTANCE_IPS", identity.pod_ip);
  set(metadata, "NODE_NAME", identity.node_name);
  set(metadata, "NETWORK", identity.network);
  set(metadata, "MESH_ID", identity.mesh_id);
  set(metadata, "SERVICE_ACCOUNT", identity.service_account);
}

// A length-delimited field with a one-byte tag.
size_t field_size(size_t length) { return 1 + CodedOutputStream::VarintSize64(length) + length; }

// What one entry adds to the request.
size_t entry_size(std::string_view name, std::string_view version) {
  return field_size(field_size(name.size()) + field_size(version.size()));
}

std::string response_request(std::string_view nonce, DeltaDiscoveryRequest request) {
  request.set_type_url(std::string(kAddressType));
  request.set_response_nonce(std::string(nonce));
  return request.SerializeAsString();
}

}  // namespace

std::string node_id(const NodeIdentity& node) {
  return fmt::format("ztunnel~{}~{}.{}~{}.svc.cluster.local", node.pod_ip, node.pod_name,
                     node.pod_namespace, node.pod_namespace);
}

std::string first_request(const NodeIdentity& node, const model::Snapshot& snapshot,
                          VersionStore& versions, size_t max_bytes) {
  DeltaDiscoveryRequest request;
  fill_node(node, *request.mutable_node());
  request.set_type_url(std::string(kAddressType));
  auto& initial = *request.mutable_initial_resource_versions();
  size_t size = request.ByteSizeLong();
  bool full = false;
  versions.expect_all();
  for_each_name(snapshot, [&](std::string_view name) {
    if (full) return;
    const std::string version = versions.version(name);
    size += entry_size(name, version);
    full = size > max_bytes;
    if (full) return;
    versions.claim(name);
    initial[std::string(name)] = version;
  });
  return request.SerializeAsString();
}

std::string ack_request(std::string_view nonce) { return response_request(nonce, {}); }

std::string nack_request(std::string_view nonce, std::string_view message) {
  DeltaDiscoveryRequest request;
  request.mutable_error_detail()->set_code(static_cast<int>(absl::StatusCode::kInvalidArgument));
  request.mutable_error_detail()->set_message(std::string(message));
  return response_request(nonce, std::move(request));
}

}  // namespace vicinity::feed::xds
