#include "dataplane/predecessor.h"

#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <spdlog/spdlog.h>
#include <vicinity/abi.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "base/status.h"
#include "dataplane/links.h"
#include "dataplane/memory.h"

namespace vicinity::dataplane {
namespace {

namespace fs = std::filesystem;

// An attachment that is pinned there and nowhere in our own version.
bool serves_cgroup(const VersionPin& version, const Pins& pins, std::string_view cgroup) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(version.links(), error)) {
    const LinkPin theirs = LinkPin::open(entry.path());
    if (!theirs.attached_to(cgroup)) continue;
    const LinkPin ours = LinkPin::open(pins.link_path(entry.path().filename().string()));
    if (ours.id() != theirs.id()) return true;
  }
  return false;
}

absl::StatusOr<size_t> line_stride(int fd) {
  bpf_map_info info = {};
  uint32_t size = sizeof(info);
  if (bpf_obj_get_info_by_fd(fd, &info, &size) != 0) return base::errno_status("vic_config: info");
  if (info.value_size < VIC_CONFIG_COMMON_BYTES) {
    return base::internal("vic_config: {} bytes a line, at least {} are needed", info.value_size,
                          static_cast<int>(VIC_CONFIG_COMMON_BYTES));
  }
  return (size_t{info.value_size} + 7) / 8 * 8;
}

}  // namespace

Predecessor Predecessor::find(const Pins& pins, std::string_view cgroup) {
  Predecessor found;
  for (const VersionPin& version : pins.other_versions()) {
    if (!serves_cgroup(version, pins, cgroup)) continue;
    found.version_ = std::max(found.version_, version.number);
    found.keep_alive(version);
  }
  return found;
}

// All generations there: which of them its programs use is its own secret.
void Predecessor::keep_alive(const VersionPin& version) {
  for (const GenerationPin& generation : Pins::generations_in(version.path)) {
    const fs::path path = generation.path / "vic_config";
    const base::UniqueFd fd(bpf_obj_get(path.c_str()));
    if (!fd.valid()) continue;
    auto stride = line_stride(fd.get());
    auto memory = MappedMap::map(fd.get(), Access::kReadWrite);
    if (!stride.ok() || !memory.ok()) {
      spdlog::warn("{}: its lease is not renewed: {}", path.string(),
                   base::message(stride.ok() ? memory.status() : stride.status()));
      continue;
    }
    lines_.push_back({.memory = *std::move(memory), .stride = *stride});
  }
}

void Predecessor::renew(const Life& life) const {
  for (const ConfigLines& lines : lines_) {
    const std::span<std::byte> bytes = lines.memory.as<std::byte>();
    for (size_t at = 0; at + lines.stride <= bytes.size(); at += lines.stride) {
      auto& config = reinterpret_cast<vic_config&>(bytes[at]);
      publish(config.self_tgid, life.self_tgid);
      publish(config.self_until, life.self_until);
      publish(config.lease_until, life.lease_until);
    }
  }
}

}  // namespace vicinity::dataplane
