// The envelope of one resource, read in place: of a large answer it is half of the bytes, and a
// message of its own would copy them all. Any thread.
#pragma once

#include <optional>
#include <string_view>

namespace vicinity::feed::xds {

// What envoy.service.discovery.v3.Resource and the Any in it say; into the bytes they were read
// from.
struct ResourceView {
  std::string_view name;
  std::string_view version;
  std::string_view type_url;
  std::string_view value;
  bool operator==(const ResourceView&) const = default;
};

// nullopt: malformed. As protobuf reads it: fields that are not known are passed over, of equal
// ones the last counts, text is UTF-8.
[[nodiscard]] std::optional<ResourceView> read_resource(std::string_view bytes);

}  // namespace vicinity::feed::xds
