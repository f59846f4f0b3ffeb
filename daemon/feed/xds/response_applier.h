// Takes one delta response apart and hands it to the sink: removals first, then the resources one
// by one, in Deltas of bounded size. One bad resource rejects only
// itself. Control thread.
#pragma once

#include <absl/container/flat_hash_set.h>

#include <cstddef>
#include <string>
#include <string_view>

#include "feed/decode.h"
#include "feed/feed.h"
#include "feed/xds/payload.h"
#include "feed/xds/resource_parser.h"
#include "feed/xds/version_store.h"
#include "model/delta.h"

namespace vicinity::feed::xds {

// What the walk through one response found.
struct Applied {
  std::string errors;     // "name: field path: message; ..." of every bad resource; empty: none
  size_t bad = 0;         // resources refused
  size_t unchanged = 0;   // came in the very version the first request had claimed
  size_t reappeared = 0;  // resources known before this stream that came for the first time on it
};

class ResponseApplier {
 public:
  static constexpr size_t kMaxDelta = 4096;
  // A NACK must not grow over the server's limit; what does not fit is counted at the end.
  static constexpr size_t kMaxErrorBytes = size_t{1} << 20;

  explicit ResponseApplier(VersionStore& versions);

  // REQUIRES: `header` is the payload's, well formed. Does not call message_end().
  Applied apply(const Payload& payload, ResponseHeader header, Sink& sink);

 private:
  void apply_resource(const ParsedResource& parsed, Sink& sink);
  void remove(std::string name, Sink& sink);
  void add(Decoded value, std::string_view name, Sink& sink);
  void sight(std::string_view name, std::string_view version);
  void refuse(ResourceError error, Sink& sink);
  // Makes room for one more: a full part, or one that has the name already, is delivered.
  void make_room(std::string_view name, Sink& sink);
  void flush(Sink& sink);
  [[nodiscard]] std::string summary() const;

  VersionStore& versions_;
  ResourceParser parser_;
  model::Delta delta_;
  absl::flat_hash_set<size_t> upserts_;  // hashes of the names in delta_
  Applied applied_;
  size_t index_ = 0;    // of the resource in the response
  size_t unnamed_ = 0;  // bad resources that `errors` has no room for
};

}  // namespace vicinity::feed::xds
