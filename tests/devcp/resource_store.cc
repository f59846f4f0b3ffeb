#include "devcp/resource_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <utility>

#include "devcp/recording.h"
#include "feed/file/yaml_message.h"

namespace vicinity::devcp {
namespace {

// FNV-1a: the same bytes have the same version in every process.
std::string version_of(std::string_view bytes) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const char byte : bytes) hash = (hash ^ static_cast<uint8_t>(byte)) * 0x100000001b3;
  return fmt::format("{:016x}", hash);
}

bool same(const Resource& a, const Resource& b) {
  return a.version() == b.version() && a.resource().value() == b.resource().value();
}

}  // namespace

Resource make_resource(const feed::NamedAddress& address) {
  Resource resource;
  resource.set_name(address.name);
  resource.mutable_resource()->set_type_url(std::string(kAddressType));
  resource.mutable_resource()->set_value(feed::stable_bytes(address.address));
  resource.set_version(version_of(resource.resource().value()));
  return resource;
}

std::optional<Response> ResourceStore::replace(const std::vector<feed::NamedAddress>& resources) {
  Response response;
  response.set_type_url(std::string(kAddressType));
  std::map<std::string, Resource, std::less<>> next;
  for (const feed::NamedAddress& address : resources) {
    Resource resource = make_resource(address);
    const auto old = resources_.find(address.name);
    if (old == resources_.end() || !same(old->second, resource)) {
      *response.add_resources() = resource;
    }
    next.insert_or_assign(address.name, std::move(resource));
  }
  for (const auto& [name, resource] : resources_) {
    if (!next.contains(name)) response.add_removed_resources(name);
  }
  resources_ = std::move(next);
  if (response.resources().empty() && response.removed_resources().empty()) return std::nullopt;
  return response;
}

void ResourceStore::apply(Response& response) {
  for (const std::string& name : response.removed_resources()) resources_.erase(name);
  for (Resource& resource : *response.mutable_resources()) {
    if (resource.version().empty()) resource.set_version(version_of(resource.resource().value()));
    resources_.insert_or_assign(resource.name(), resource);
  }
}

std::vector<Response> ResourceStore::difference(
    const google::protobuf::Map<std::string, std::string>& versions,
    const Subscription& subscription, size_t parts) const {
  Response whole;
  whole.set_type_url(std::string(kAddressType));
  for (const auto& [name, resource] : resources_) {
    if (!subscription.wants(name)) continue;
    const auto known = versions.find(name);
    if (known != versions.end() && known->second == resource.version()) continue;
    *whole.add_resources() = resource;
  }
  for (const auto& [name, version] : versions) {
    if (!resources_.contains(name)) whole.add_removed_resources(name);
  }
  for (const std::string& name : subscription.names) {
    if (!resources_.contains(name) && !versions.contains(name)) whole.add_removed_resources(name);
  }
  return split(whole, parts);
}

Response filtered(const Response& response, const Subscription& subscription) {
  if (subscription.wildcard) return response;
  Response some;
  some.set_type_url(response.type_url());
  for (const Resource& resource : response.resources()) {
    if (subscription.wants(resource.name())) *some.add_resources() = resource;
  }
  for (const std::string& name : response.removed_resources()) {
    if (subscription.wants(name)) some.add_removed_resources(name);
  }
  return some;
}

}  // namespace vicinity::devcp
