// The wire form of one resource -> the model's. Every feed goes through here, so that a mesh file
// and the xDS stream mean the same. Pure but for the symbols it interns; control thread.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "model/delta.h"
#include "model/service.h"
#include "model/symbols.h"
#include "model/workload.h"
#include "proto/workload.pb.h"

namespace vicinity::feed {

// Longest "namespace/hostname": a service record and its two continuations hold no more.
inline constexpr size_t kMaxServiceKey = 460;
// Name of the extension that carries a workload's labels.
inline constexpr std::string_view kLabelsExtension = "vicinity.labels";

// `path` is in proto3 JSON names: "workload.addresses[1]".
struct FieldError {
  std::string path;
  std::string message;
  bool operator==(const FieldError&) const = default;
};

using Decoded = std::variant<model::Workload, model::Service>;

struct DecodeResult {
  std::optional<Decoded> value;  // set when there are no errors
  std::vector<FieldError> errors;
};

// `resource_name` is what the feed calls the resource; it must be the workload's uid or the
// service's "namespace/hostname". All errors are collected, not just the first.
[[nodiscard]] DecodeResult decode_address(const istio::workload::Address& address,
                                          std::string_view resource_name, model::Symbols& symbols);

// Appends the value to the delta's list of its kind.
void add_to(model::Delta& delta, Decoded decoded);

// "workload.status: unknown value 7; workload.uid: missing".
[[nodiscard]] std::string to_text(std::span<const FieldError> errors);

// "workload" or "service", as in ResourceError::kind; "address" when neither is set.
[[nodiscard]] std::string_view resource_kind(const istio::workload::Address& address);

}  // namespace vicinity::feed
