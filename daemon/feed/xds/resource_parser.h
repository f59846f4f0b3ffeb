// The resources of a response as protobuf reads them, one after another. Those of a large response
// are read by another thread while the caller is busy with the ones before: reading depends on
// nothing else.
#pragma once

#include <absl/functional/function_ref.h>
#include <google/protobuf/arena.h>

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "feed/xds/payload.h"
#include "feed/xds/resource.h"
#include "proto/workload.pb.h"

namespace vicinity::feed::xds {

struct ParsedResource {
  std::optional<ResourceView> view;                   // nullopt: the envelope is malformed
  const istio::workload::Address* address = nullptr;  // null: of another type, or malformed
};

// Some resources and their memory. Stays where it is.
class ParsedBatch {
 public:
  // `bytes`: of memory that is kept over clear().
  explicit ParsedBatch(size_t bytes);
  ParsedBatch(const ParsedBatch&) = delete;
  ParsedBatch& operator=(const ParsedBatch&) = delete;

  void add(std::string_view bytes, Lasts lasts);
  [[nodiscard]] std::span<const ParsedResource> resources() const { return resources_; }
  void clear();

 private:
  std::vector<char> block_;  // the arena's first
  google::protobuf::Arena arena_;
  std::vector<ParsedResource> resources_;
};

// Control thread.
class ResourceParser {
 public:
  // In bytes: of a smaller response the thread would cost what it saves.
  static constexpr size_t kWorthAThread = size_t{256} << 10;

  // Calls `take` for each in order, on this thread; what it is given is valid during the call.
  // REQUIRES: read_header() found the payload well formed.
  using Take = absl::FunctionRef<void(const ParsedResource& resource)>;
  void for_each(const Payload& payload, Take take);

 private:
  void one_by_one(const Payload& payload, Take take);

  ParsedBatch one_{size_t{16} << 10};
};

}  // namespace vicinity::feed::xds
