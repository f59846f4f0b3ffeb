// One received message as the transport holds it, and readers that walk it without a copy of the
// whole. A Payload may be handed from thread to thread; each reader stays on one.
#pragma once

#include <absl/functional/function_ref.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace vicinity::feed::xds {

struct Payload {
  std::vector<std::string_view> chunks;  // in order; valid as long as `owner`
  size_t size = 0;                       // of all chunks
  std::shared_ptr<const void> owner;

  // Cut into chunks of `chunk_size`, to look like what a network delivers. For tests and files.
  static Payload of(std::string bytes, size_t chunk_size = SIZE_MAX);
};

// Protobuf's view of a Payload, which must outlive it.
class PayloadStream final : public google::protobuf::io::ZeroCopyInputStream {
 public:
  explicit PayloadStream(const Payload& payload) : chunks_(payload.chunks) {}
  bool Next(const void** data, int* size) override;
  void BackUp(int count) override;
  bool Skip(int count) override;
  int64_t ByteCount() const override { return read_; }

 private:
  const std::vector<std::string_view>& chunks_;
  size_t chunk_ = 0;
  size_t offset_ = 0;  // into chunks_[chunk_]
  int64_t read_ = 0;
};

// What a delta response says beside its resources.
struct ResponseHeader {
  std::string type_url;
  std::string nonce;
  std::vector<std::string> removed;
  size_t resources = 0;
  bool well_formed = true;  // false: the rest is as far as reading came
};

// Looks at every top-level field and skips the resources.
[[nodiscard]] ResponseHeader read_header(const Payload& payload);

// How long bytes are valid.
enum class Lasts : uint8_t { kForTheCall, kAsLongAsThePayload };

// Calls `each` with the bytes of every resource, in order. REQUIRES: read_header() found the
// payload well formed.
void for_each_resource(const Payload& payload,
                       absl::FunctionRef<void(std::string_view bytes, Lasts lasts)> each);

}  // namespace vicinity::feed::xds
