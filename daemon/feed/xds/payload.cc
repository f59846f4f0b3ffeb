#include "feed/xds/payload.h"

#include <google/protobuf/wire_format_lite.h>

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

#include "proto/discovery.pb.h"

namespace vicinity::feed::xds {
namespace {

using google::protobuf::internal::WireFormatLite;
using google::protobuf::io::CodedInputStream;
using Response = envoy::service::discovery::v3::DeltaDiscoveryResponse;

// A length-delimited field of the top level: its number, 0 at the end of the message.
struct Field {
  int number = 0;
  int length = 0;
};

// Reads one top-level message field by field. Ends at the first malformed byte.
class FieldReader {
 public:
  explicit FieldReader(const Payload& payload)
      : size_(payload.size), stream_(payload), input_(&stream_) {
    input_.SetTotalBytesLimit(std::numeric_limits<int>::max());
  }

  // The next length-delimited field; other fields are passed over.
  Field next() {
    while (const uint32_t tag = input_.ReadTag()) {
      if (WireFormatLite::GetTagWireType(tag) == WireFormatLite::WIRETYPE_LENGTH_DELIMITED) {
        return open(tag);
      }
      if (!WireFormatLite::SkipField(&input_, tag)) return fail();
    }
    return ended() ? Field{} : fail();
  }

  void skip(int length) {
    if (!input_.Skip(length)) well_formed_ = false;
  }

  std::string text(int length) {
    std::string value;
    if (!input_.ReadString(&value, length)) well_formed_ = false;
    return value;
  }

  // The field's bytes in place if they are in one chunk; nullopt: nothing was read.
  std::optional<std::string_view> bytes_in_place(int length) {
    const void* data = nullptr;
    int available = 0;
    if (!input_.GetDirectBufferPointer(&data, &available) || available < length) {
      return std::nullopt;
    }
    input_.Skip(length);
    return std::string_view(static_cast<const char*>(data), static_cast<size_t>(length));
  }

  [[nodiscard]] bool well_formed() const { return well_formed_; }

 private:
  // A length beyond the end of the message must not become an allocation.
  Field open(uint32_t tag) {
    uint32_t length = 0;
    if (!input_.ReadVarint32(&length)) return fail();
    const size_t position = static_cast<size_t>(input_.CurrentPosition());
    if (length > size_ - position) return fail();
    return {WireFormatLite::GetTagFieldNumber(tag), static_cast<int>(length)};
  }

  // A tag of zero is the end of the input, or a malformed tag.
  [[nodiscard]] bool ended() {
    return static_cast<size_t>(input_.CurrentPosition()) == size_ && input_.ConsumedEntireMessage();
  }

  Field fail() {
    well_formed_ = false;
    return {};
  }

  size_t size_;
  PayloadStream stream_;
  CodedInputStream input_;
  bool well_formed_ = true;
};

void read_field(FieldReader& reader, Field field, ResponseHeader& header) {
  switch (field.number) {
    case Response::kTypeUrlFieldNumber:
      header.type_url = reader.text(field.length);
      return;
    case Response::kNonceFieldNumber:
      header.nonce = reader.text(field.length);
      return;
    case Response::kRemovedResourcesFieldNumber:
      header.removed.push_back(reader.text(field.length));
      return;
    case Response::kResourcesFieldNumber:
      ++header.resources;
      break;
    default:
      break;
  }
  reader.skip(field.length);
}

}  // namespace

Payload Payload::of(std::string bytes, size_t chunk_size) {
  auto owner = std::make_shared<const std::string>(std::move(bytes));
  Payload payload{.chunks = {}, .size = owner->size(), .owner = owner};
  for (size_t at = 0; at < owner->size(); at += std::min(chunk_size, owner->size() - at)) {
    payload.chunks.push_back(std::string_view(*owner).substr(at, chunk_size));
  }
  return payload;
}

bool PayloadStream::Next(const void** data, int* size) {
  while (chunk_ < chunks_.size() && offset_ == chunks_[chunk_].size()) {
    ++chunk_;
    offset_ = 0;
  }
  if (chunk_ == chunks_.size()) return false;
  const std::string_view rest = chunks_[chunk_].substr(offset_);
  const size_t given = std::min<size_t>(rest.size(), std::numeric_limits<int>::max());
  *data = rest.data();
  *size = static_cast<int>(given);
  offset_ += given;
  read_ += static_cast<int64_t>(given);
  return true;
}

// Only what the last Next() gave may be returned, so it is inside the current chunk.
void PayloadStream::BackUp(int count) {
  offset_ -= static_cast<size_t>(count);
  read_ -= count;
}

bool PayloadStream::Skip(int count) {
  const void* data = nullptr;
  int size = 0;
  while (count > 0 && Next(&data, &size)) {
    if (size > count) BackUp(size - count);
    count -= std::min(size, count);
  }
  return count == 0;
}

ResponseHeader read_header(const Payload& payload) {
  ResponseHeader header;
  FieldReader reader(payload);
  for (Field field = reader.next(); field.number != 0; field = reader.next()) {
    read_field(reader, field, header);
  }
  header.well_formed = reader.well_formed();
  return header;
}

void for_each_resource(const Payload& payload,
                       absl::FunctionRef<void(std::string_view, Lasts)> each) {
  FieldReader reader(payload);
  for (Field field = reader.next(); field.number != 0; field = reader.next()) {
    if (field.number != Response::kResourcesFieldNumber) {
      reader.skip(field.length);
    } else if (const auto bytes = reader.bytes_in_place(field.length)) {
      each(*bytes, Lasts::kAsLongAsThePayload);
    } else {
      each(reader.text(field.length), Lasts::kForTheCall);
    }
  }
}

}  // namespace vicinity::feed::xds
