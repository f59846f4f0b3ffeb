#include "feed/xds/resource.h"

#include <google/protobuf/any.pb.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/stubs/common.h>
#include <google/protobuf/wire_format_lite.h>

#include "proto/discovery.pb.h"

namespace vicinity::feed::xds {
namespace {

using envoy::service::discovery::v3::Resource;
using google::protobuf::Any;
using google::protobuf::internal::IsStructurallyValidUTF8;
using google::protobuf::internal::WireFormatLite;
using google::protobuf::io::CodedInputStream;

bool is_text(std::string_view text) {
  return IsStructurallyValidUTF8(text.data(), static_cast<int>(text.size()));
}

// The bytes of a length-delimited field.
std::optional<std::string_view> read_bytes(CodedInputStream& input, std::string_view all) {
  uint32_t length = 0;
  if (!input.ReadVarint32(&length)) return std::nullopt;
  const auto at = static_cast<size_t>(input.CurrentPosition());
  if (length > all.size() - at || !input.Skip(static_cast<int>(length))) return std::nullopt;
  return all.substr(at, length);
}

// Calls `take(number, bytes)` for every length-delimited field; false from it, and anything
// malformed, ends the reading.
template <class Take>
bool read_fields(std::string_view all, Take take) {
  CodedInputStream input(reinterpret_cast<const uint8_t*>(all.data()),
                         static_cast<int>(all.size()));
  while (const uint32_t tag = input.ReadTag()) {
    if (WireFormatLite::GetTagWireType(tag) != WireFormatLite::WIRETYPE_LENGTH_DELIMITED) {
      if (!WireFormatLite::SkipField(&input, tag)) return false;
      continue;
    }
    const auto bytes = read_bytes(input, all);
    if (!bytes || !take(WireFormatLite::GetTagFieldNumber(tag), *bytes)) return false;
  }
  // A tag of zero is the end, or a malformed one.
  return input.ConsumedEntireMessage() &&
         static_cast<size_t>(input.CurrentPosition()) == all.size();
}

bool read_any(std::string_view bytes, ResourceView& view) {
  return read_fields(bytes, [&](int number, std::string_view field) {
    if (number == Any::kTypeUrlFieldNumber) view.type_url = field;
    if (number == Any::kValueFieldNumber) view.value = field;
    return number != Any::kTypeUrlFieldNumber || is_text(field);
  });
}

}  // namespace

std::optional<ResourceView> read_resource(std::string_view bytes) {
  ResourceView view;
  const auto take = [&](int number, std::string_view field) {
    switch (number) {
      case Resource::kNameFieldNumber:
        view.name = field;
        return is_text(field);
      case Resource::kVersionFieldNumber:
        view.version = field;
        return is_text(field);
      case Resource::kResourceFieldNumber:
        return read_any(field, view);
      default:
        return true;
    }
  };
  if (!read_fields(bytes, take)) return std::nullopt;
  return view;
}

}  // namespace vicinity::feed::xds
