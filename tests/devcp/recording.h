// Histories that a control plane plays a step at a time: recordings of a real istiod's responses
// (NN-step.pb, each message after its length as a varint), or mesh files (NN-step.yaml, each the
// whole state). And other shapes of the same history, which must lead to the same end. Pure but for
// reading files.
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "feed/file/mesh_file.h"
#include "proto/discovery.pb.h"

namespace vicinity::devcp {

using Response = envoy::service::discovery::v3::DeltaDiscoveryResponse;

struct Step {
  std::string name;  // "01-delete-local"
  // Messages to send as they are, or the state to serve from then on.
  std::variant<std::vector<Response>, std::vector<feed::NamedAddress>> content;
};

// The .pb files of the folder (else the .yaml files) whose names begin with a digit, in order.
[[nodiscard]] absl::StatusOr<std::vector<Step>> load_recording(const std::filesystem::path& dir);
[[nodiscard]] absl::StatusOr<std::vector<Step>> load_mesh_steps(const std::filesystem::path& dir);
[[nodiscard]] absl::StatusOr<std::vector<Response>> parse_recording(std::string_view bytes);

// All messages of all recorded steps as one: the last operation of each name.
[[nodiscard]] Response squash(std::span<const Step> steps);
// `parts` messages of about the same size instead of one. A name's removal never comes after its
// addition.
[[nodiscard]] std::vector<Response> split(const Response& response, size_t parts);
// Resources and removals each in another order, the same for the same seed.
[[nodiscard]] Response shuffle(Response response, uint32_t seed);

// Content of the recorded state after `steps`, sorted by name.
[[nodiscard]] absl::StatusOr<std::vector<feed::NamedAddress>> state_after(
    std::span<const Step> steps);

}  // namespace vicinity::devcp
