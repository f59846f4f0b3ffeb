#include <algorithm>
#include <string>

#include "feed/decode_fields.h"
#include "proto/vicinity/labels.pb.h"

namespace vicinity::feed {
namespace {

namespace wds = istio::workload;

// What an empty cluster_id means: istiod's own default name.
constexpr std::string_view kDefaultCluster = "Kubernetes";

void check_identity(const wds::Workload& from, std::string_view name, Fields& fields) {
  if (from.uid().empty()) fields.reject({"workload.uid"}, "missing");
  fields.check_text(from.uid(), {"workload.uid"});
  if (name != from.uid()) {
    fields.reject({"workload.uid"}, "the resource is named \"{}\", not \"{}\"", name, from.uid());
  }
}

model::Place decode_place(const wds::Workload& from, Fields& fields) {
  const wds::Locality& locality = from.locality();
  const std::string_view cluster = from.cluster_id().empty() ? kDefaultCluster : from.cluster_id();
  return {
      .network = fields.symbol(from.network(), {"workload.network"}),
      .cluster = fields.symbol(cluster, {"workload.clusterId"}),
      .region = fields.symbol(locality.region(), {"workload.locality.region"}),
      .zone = fields.symbol(locality.zone(), {"workload.locality.zone"}),
      .subzone = fields.symbol(locality.subzone(), {"workload.locality.subzone"}),
      .node = fields.symbol(from.node(), {"workload.node"}),
  };
}

void decode_addresses(const wds::Workload& from, model::Workload& workload, Fields& fields) {
  workload.addresses.reserve(from.addresses_size());
  for (int i = 0; i < from.addresses_size(); ++i) {
    const auto ip = fields.ip(from.addresses(i), {.head = "workload.addresses", .index = i});
    if (ip) workload.addresses.push_back(*ip);
  }
}

bool is_service_key(std::string_view key) {
  const size_t slash = key.find('/');
  return slash != std::string_view::npos && slash > 0 && slash + 1 < key.size() &&
         key.find('/', slash + 1) == std::string_view::npos;
}

void decode_bindings(const wds::Workload& from, model::Workload& workload, Fields& fields) {
  workload.bindings.reserve(from.services_size());
  for (const auto& [key, list] : from.services()) {
    const FieldPath path{.head = "workload.services", .key = key};
    if (!is_service_key(key)) {
      fields.reject(path, "the key must be namespace/hostname");
      continue;
    }
    fields.check_text(key, path, kMaxServiceKey);
    if (key.size() > kMaxServiceKey) continue;
    const FieldPath ports{.head = "workload.services", .tail = ".ports", .key = key};
    workload.bindings.push_back(
        {.service = fields.symbols().intern(key), .ports = fields.ports(list.ports(), ports)});
  }
  std::sort(workload.bindings.begin(), workload.bindings.end(),
            [](const auto& a, const auto& b) { return a.service < b.service; });
}

// istiod turns PeerAuthentication into authorization policies of these names, which it gives to the
// workloads that they hold for (pilot/pkg/serviceregistry/ambient/authorization.go).
bool is_strict_policy(std::string_view policy) {
  const std::string_view name = policy.substr(policy.rfind('/') + 1);
  return name == "istio_converted_static_strict" ||
         name.starts_with("converted_peer_authentication_");
}

void add_labels(const vicinity::workload::Labels& from, std::vector<model::Label>& to,
                Fields& fields) {
  to.reserve(to.size() + from.labels_size());
  for (const auto& [key, value] : from.labels()) {
    const FieldPath path{.head = "workload.labels", .key = key};
    if (key.empty()) fields.reject(path, "empty key");
    const auto key_id = fields.symbol(key, path);
    to.push_back({.key = key_id, .value = fields.symbol(value, path)});
  }
}

// Other extensions are none of our business.
std::vector<model::Label> decode_labels(const wds::Workload& from, Fields& fields) {
  std::vector<model::Label> to;
  bool found = false;
  for (int i = 0; i < from.extensions_size(); ++i) {
    const wds::Extension& extension = from.extensions(i);
    if (extension.name() != kLabelsExtension) continue;
    const auto path = [i](std::string_view field) {
      return FieldPath{.head = "workload.extensions", .tail = field, .index = i};
    };
    vicinity::workload::Labels labels;
    if (found) {
      fields.reject(path(".name"), "\"{}\" stands twice", kLabelsExtension);
    } else if (!extension.config().UnpackTo(&labels)) {
      fields.reject(path(".config"), "is not a vicinity.workload.Labels");
    } else {
      add_labels(labels, to, fields);
    }
    found = true;
  }
  std::sort(to.begin(), to.end());
  return to;
}

static_assert(static_cast<int>(model::Health::kUnhealthy) == wds::UNHEALTHY);

}  // namespace

model::Workload decode_workload(const wds::Workload& from, std::string_view name, Fields& fields) {
  model::Workload workload;
  check_identity(from, name, fields);
  workload.uid = from.uid();
  workload.name_space = fields.symbol(from.namespace_(), {"workload.namespace"});
  workload.canonical_name = fields.symbol(from.canonical_name(), {"workload.canonicalName"});
  workload.canonical_revision =
      fields.symbol(from.canonical_revision(), {"workload.canonicalRevision"});
  workload.hostname = fields.symbol(from.hostname(), {"workload.hostname"}, Fields::kMaxHostname);
  workload.place = decode_place(from, fields);
  decode_addresses(from, workload, fields);
  decode_bindings(from, workload, fields);
  workload.labels = decode_labels(from, fields);
  workload.capacity = from.has_capacity() ? from.capacity().value() : 1;
  workload.health = fields.enum_value<model::Health>(
      from.status(), wds::WorkloadStatus_IsValid(from.status()), {"workload.status"});
  workload.has_network_gateway = from.has_network_gateway();
  const auto network_mode = fields.enum_value<wds::NetworkMode>(
      from.network_mode(), wds::NetworkMode_IsValid(from.network_mode()), {"workload.networkMode"});
  workload.host_network = network_mode == wds::HOST_NETWORK;
  workload.strict_mtls = std::any_of(from.authorization_policies().begin(),
                                     from.authorization_policies().end(), is_strict_policy);
  return workload;
}

}  // namespace vicinity::feed
