#include "feed/xds/response_applier.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>
#include <variant>

#include "base/strings.h"
#include "feed/xds/options.h"

namespace vicinity::feed::xds {
namespace {

constexpr size_t kLeastResource = 64;  // bytes

}  // namespace

ResponseApplier::ResponseApplier(VersionStore& versions) : versions_(versions) {}

Applied ResponseApplier::apply(const Payload& payload, ResponseHeader header, Sink& sink) {
  applied_ = {};
  index_ = 0;
  unnamed_ = 0;
  // Empty ones, of which a response may have any number, are refused.
  versions_.expect(std::min(header.resources, payload.size / kLeastResource));
  for (std::string& name : header.removed) remove(std::move(name), sink);
  parser_.for_each(payload,
                   [&](const ParsedResource& resource) { apply_resource(resource, sink); });
  flush(sink);
  applied_.errors = summary();
  return std::move(applied_);
}

void ResponseApplier::apply_resource(const ParsedResource& parsed, Sink& sink) {
  const size_t index = index_++;
  const std::optional<ResourceView>& resource = parsed.view;
  if (!resource || resource->name.empty()) {
    refuse({fmt::format("resource {}", index), "address", "name: missing or malformed"}, sink);
    return;
  }
  const std::string_view name = resource->name;
  sight(name, resource->version);
  if (resource->type_url != kAddressType) {
    refuse({std::string(name), "address",
            fmt::format("resource: type is {}, not {}", resource->type_url, kAddressType)},
           sink);
    return;
  }
  if (parsed.address == nullptr) {
    refuse({std::string(name), "address", "resource: malformed"}, sink);
    return;
  }
  DecodeResult result = decode_address(*parsed.address, name, sink.symbols());
  if (!result.value) {
    refuse({std::string(name), std::string(resource_kind(*parsed.address)), to_text(result.errors)},
           sink);
    return;
  }
  add(*std::move(result.value), name, sink);
  versions_.record(name, resource->version);
}

void ResponseApplier::remove(std::string name, Sink& sink) {
  if (delta_.size() == kMaxDelta) flush(sink);
  versions_.erase(name);
  delta_.removed.push_back(std::move(name));
}

void ResponseApplier::add(Decoded value, std::string_view name, Sink& sink) {
  make_room(name, sink);
  if (auto* workload = std::get_if<model::Workload>(&value)) {
    delta_.workloads.push_back(std::move(*workload));
  } else {
    delta_.services.push_back(std::move(std::get<model::Service>(value)));
  }
}

void ResponseApplier::sight(std::string_view name, std::string_view version) {
  const VersionStore::Sighting sighting = versions_.sight(name, version);
  if (!sighting.known || sighting.before == VersionStore::Mark::kSeen) return;
  ++applied_.reappeared;
  if (sighting.before == VersionStore::Mark::kClaimed && sighting.same_version) {
    ++applied_.unchanged;
  }
}

void ResponseApplier::refuse(ResourceError error, Sink& sink) {
  ++applied_.bad;
  const std::string line = fmt::format("{}: {}", error.resource, error.message);
  if (applied_.errors.size() + line.size() <= kMaxErrorBytes) {
    applied_.errors += (applied_.errors.empty() ? "" : "; ") + line;
  } else {
    ++unnamed_;
  }
  sink.reject(std::move(error));
}

// Inside one Delta order does not count, between two it does: the last of equal names wins.
void ResponseApplier::make_room(std::string_view name, Sink& sink) {
  const size_t hash = base::StringHash()(name);
  if (delta_.size() == kMaxDelta || upserts_.contains(hash)) flush(sink);
  upserts_.insert(hash);
}

void ResponseApplier::flush(Sink& sink) {
  upserts_.clear();
  if (delta_.empty()) return;
  sink.apply(std::exchange(delta_, {}));
}

std::string ResponseApplier::summary() const {
  if (unnamed_ == 0) return applied_.errors;
  return fmt::format("{}; and {} more", applied_.errors, unnamed_);
}

}  // namespace vicinity::feed::xds
