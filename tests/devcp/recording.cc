#include "devcp/recording.h"

#include <fmt/format.h>
#include <google/protobuf/io/coded_stream.h>

#include <algorithm>
#include <cctype>
#include <fstream>
#include <iterator>
#include <map>
#include <random>
#include <utility>

#include "base/status.h"
#include "base/strings.h"

namespace vicinity::devcp {
namespace {

namespace fs = std::filesystem;
using envoy::service::discovery::v3::Resource;

absl::StatusOr<std::string> read_file(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return base::errno_status(path.native());
  return std::string(std::istreambuf_iterator<char>(file), {});
}

absl::StatusOr<std::vector<fs::path>> numbered_files(const fs::path& dir,
                                                     std::string_view extension) {
  std::error_code error;
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(dir, error)) {
    const fs::path& path = entry.path();
    const bool numbered =
        std::isdigit(static_cast<unsigned char>(path.filename().native()[0])) != 0;
    if (numbered && path.extension() == extension) files.push_back(path);
  }
  if (error) return base::invalid("{}: {}", dir.native(), error.message());
  if (files.empty()) return base::invalid("{}: no steps (NN-name{})", dir.native(), extension);
  std::sort(files.begin(), files.end());
  return files;
}

absl::Status with_path(const absl::Status& status, const fs::path& path) {
  return base::invalid("{}: {}", path.native(), base::message(status));
}

// Items [i * n / parts, (i + 1) * n / parts) of n.
std::pair<int, int> share(int n, size_t i, size_t parts) {
  const auto at = [&](size_t k) { return static_cast<int>(static_cast<size_t>(n) * k / parts); };
  return {at(i), at(i + 1)};
}

}  // namespace

absl::StatusOr<std::vector<Response>> parse_recording(std::string_view bytes) {
  std::vector<Response> messages;
  google::protobuf::io::CodedInputStream input(reinterpret_cast<const uint8_t*>(bytes.data()),
                                               static_cast<int>(bytes.size()));
  while (static_cast<size_t>(input.CurrentPosition()) < bytes.size()) {
    const int at = input.CurrentPosition();
    uint32_t size = 0;
    std::string message;
    if (!input.ReadVarint32(&size) || !input.ReadString(&message, static_cast<int>(size))) {
      return base::invalid("message {} at byte {} is cut off", messages.size() + 1, at);
    }
    if (!messages.emplace_back().ParseFromString(message)) {
      return base::invalid("message {} at byte {} is not a DeltaDiscoveryResponse", messages.size(),
                           at);
    }
  }
  return messages;
}

absl::StatusOr<std::vector<Step>> load_recording(const fs::path& dir) {
  VIC_ASSIGN_OR_RETURN(const std::vector<fs::path> files, numbered_files(dir, ".pb"));
  std::vector<Step> steps;
  for (const fs::path& path : files) {
    VIC_ASSIGN_OR_RETURN(const std::string bytes, read_file(path));
    auto messages = parse_recording(bytes);
    if (!messages.ok()) return with_path(messages.status(), path);
    steps.push_back({.name = path.stem().native(), .content = *std::move(messages)});
  }
  return steps;
}

absl::StatusOr<std::vector<Step>> load_mesh_steps(const fs::path& dir) {
  VIC_ASSIGN_OR_RETURN(const std::vector<fs::path> files, numbered_files(dir, ".yaml"));
  std::vector<Step> steps;
  for (const fs::path& path : files) {
    VIC_ASSIGN_OR_RETURN(const std::string text, read_file(path));
    feed::MeshFile mesh = feed::parse_mesh(text);
    if (!mesh.errors.empty()) {
      const auto& error = mesh.errors.front();
      return base::invalid("{}: {}: {}", path.native(), error.resource, error.message);
    }
    steps.push_back({.name = path.stem().native(), .content = std::move(mesh.resources)});
  }
  return steps;
}

Response squash(std::span<const Step> steps) {
  std::map<std::string, const Resource*> last;  // nullptr: removed
  Response whole;
  for (const Step& step : steps) {
    for (const Response& message : std::get<std::vector<Response>>(step.content)) {
      for (const std::string& name : message.removed_resources()) last[name] = nullptr;
      for (const Resource& resource : message.resources()) last[resource.name()] = &resource;
      whole.set_type_url(message.type_url());
    }
  }
  for (const auto& [name, resource] : last) {
    if (resource != nullptr) {
      *whole.add_resources() = *resource;
    } else {
      whole.add_removed_resources(name);
    }
  }
  return whole;
}

std::vector<Response> split(const Response& response, size_t parts) {
  parts = std::max<size_t>(parts, 1);
  base::StringSet added;
  for (const Resource& resource : response.resources()) added.insert(resource.name());
  std::vector<Response> messages(parts);
  for (size_t i = 0; i < parts; ++i) {
    messages[i].set_type_url(response.type_url());
    messages[i].set_system_version_info(response.system_version_info());
    const auto [first, end] = share(response.resources_size(), i, parts);
    for (int k = first; k < end; ++k) *messages[i].add_resources() = response.resources(k);
    const auto [gone, gone_end] = share(response.removed_resources_size(), i, parts);
    for (int k = gone; k < gone_end; ++k) {
      const std::string& name = response.removed_resources(k);
      messages[added.contains(name) ? 0 : i].add_removed_resources(name);
    }
  }
  return messages;
}

Response shuffle(Response response, uint32_t seed) {
  std::mt19937 random(seed);
  auto& resources = *response.mutable_resources();
  for (int i = resources.size() - 1; i > 0; --i) {
    resources.SwapElements(i, static_cast<int>(random() % static_cast<uint32_t>(i + 1)));
  }
  auto& removed = *response.mutable_removed_resources();
  for (int i = removed.size() - 1; i > 0; --i) {
    removed.SwapElements(i, static_cast<int>(random() % static_cast<uint32_t>(i + 1)));
  }
  return response;
}

absl::StatusOr<std::vector<feed::NamedAddress>> state_after(std::span<const Step> steps) {
  std::vector<feed::NamedAddress> state;
  const Response whole = squash(steps);
  for (const Resource& resource : whole.resources()) {
    feed::NamedAddress named{.name = resource.name(), .address = {}};
    if (!resource.resource().UnpackTo(&named.address)) {
      return base::invalid("{}: not an Address", resource.name());
    }
    state.push_back(std::move(named));
  }
  return state;
}

}  // namespace vicinity::devcp
