#include "dataplane/pins.h"

#include <bpf/bpf.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/file.h>
#include <sys/vfs.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <optional>
#include <system_error>

#include "base/status.h"
#include "dataplane/object.h"

namespace vicinity::dataplane {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kGenerationPrefix = "gen-";
constexpr std::string_view kVersionPrefix = "v";
constexpr char kComplete[] = "complete";

absl::Status make_directory(const fs::path& path) {
  std::error_code error;
  fs::create_directory(path, error);
  if (error) return base::errno_status(fmt::format("make {}", path.string()), error.value());
  return absl::OkStatus();
}

absl::Status is_bpffs(const fs::path& path) {
  struct statfs info = {};
  if (::statfs(path.c_str(), &info) != 0) {
    return base::errno_status(fmt::format("pin directory {}", path.string()));
  }
  if (info.f_type == BPF_FS_MAGIC) return absl::OkStatus();
  return absl::FailedPreconditionError(fmt::format(
      "pin directory {}: not on a BPF file system (mount -t bpf bpf /sys/fs/bpf)", path.string()));
}

absl::StatusOr<base::UniqueFd> lock_directory(const fs::path& path) {
  base::UniqueFd directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory.valid()) return base::errno_status(fmt::format("open {}", path.string()));
  if (::flock(directory.get(), LOCK_EX | LOCK_NB) == 0) return directory;
  if (errno != EWOULDBLOCK) return base::errno_status(fmt::format("lock {}", path.string()));
  return absl::AlreadyExistsError(
      fmt::format("pin directory {}: another vicinityd is running and uses it", path.string()));
}

// "gen-7", "v2": the number behind the prefix.
std::optional<uint32_t> number_in(std::string_view name, std::string_view prefix) {
  if (!name.starts_with(prefix)) return std::nullopt;
  name.remove_prefix(prefix.size());
  uint32_t number = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  if (error != std::errc() || end != name.data() + name.size()) return std::nullopt;
  return number;
}

// Unpinning alone detaches some time later: the kernel frees links in the background.
void detach_links(const fs::path& directory) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(directory, error)) {
    const base::UniqueFd link(bpf_obj_get(entry.path().c_str()));
    if (link.valid()) bpf_link_detach(link.get());
  }
}

}  // namespace

Pins::Pins(std::string_view pin_dir, uint32_t version)
    : root_(pin_dir), version_(root_ / fmt::format("{}{}", kVersionPrefix, version)) {}

absl::StatusOr<base::UniqueFd> Pins::lock() const {
  std::error_code error;
  if (!fs::exists(root_, error)) {
    VIC_RETURN_IF_ERROR(is_bpffs(root_.parent_path()));
    VIC_RETURN_IF_ERROR(make_directory(root_));
  }
  VIC_RETURN_IF_ERROR(is_bpffs(root_));
  VIC_ASSIGN_OR_RETURN(base::UniqueFd lock, lock_directory(root_));
  VIC_RETURN_IF_ERROR(make_directory(version_));
  VIC_RETURN_IF_ERROR(make_directory(version_ / "links"));
  return lock;
}

std::vector<GenerationPin> Pins::generations_in(const fs::path& version) {
  std::vector<GenerationPin> found;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(version, error)) {
    const auto number = number_in(entry.path().filename().string(), kGenerationPrefix);
    if (!number) continue;
    std::error_code ignored;
    found.push_back({.number = *number,
                     .complete = fs::exists(entry.path() / kComplete, ignored),
                     .path = entry.path()});
  }
  std::ranges::sort(found, std::ranges::greater(), &GenerationPin::number);
  return found;
}

std::vector<VersionPin> Pins::other_versions() const {
  std::vector<VersionPin> found;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(root_, error)) {
    const auto number = number_in(entry.path().filename().string(), kVersionPrefix);
    if (number && entry.path() != version_) found.push_back({*number, entry.path()});
  }
  return found;
}

fs::path Pins::generation_path(uint32_t number) const {
  return version_ / fmt::format("{}{}", kGenerationPrefix, number);
}

fs::path Pins::link_path(std::string_view hook) const { return version_ / "links" / hook; }

absl::Status Pins::pin(uint32_t number, const std::map<std::string, int>& maps) const {
  const fs::path path = generation_path(number);
  VIC_RETURN_IF_ERROR(make_directory(path));
  for (const auto& [name, fd] : maps) {
    if (bpf_obj_pin(fd, (path / name).c_str()) != 0) {
      return base::errno_status(fmt::format("pin {}", (path / name).string()));
    }
  }
  if (bpf_obj_pin(maps.begin()->second, (path / kComplete).c_str()) != 0) {
    return base::errno_status(fmt::format("pin {}", (path / kComplete).string()));
  }
  return absl::OkStatus();
}

absl::StatusOr<PinnedMaps> Pins::open(const GenerationPin& generation) {
  PinnedMaps maps;
  for (const std::string& name : Object::map_names()) {
    const fs::path path = generation.path / name;
    base::UniqueFd fd(bpf_obj_get(path.c_str()));
    if (!fd.valid()) return base::errno_status(fmt::format("open pinned map {}", path.string()));
    maps.emplace(name, std::move(fd));
  }
  return maps;
}

absl::Status Pins::remove(const fs::path& tree) {
  std::error_code error;
  fs::remove_all(tree, error);
  if (error) return base::errno_status(fmt::format("remove {}", tree.string()), error.value());
  return absl::OkStatus();
}

absl::Status Pins::remove_in(const fs::path& directory, std::string_view prefix) {
  std::error_code error;
  std::vector<fs::path> found;
  for (const auto& entry : fs::directory_iterator(directory, error)) {
    if (entry.path().filename().string().starts_with(prefix)) found.push_back(entry.path());
  }
  for (const fs::path& path : found) fs::remove_all(path, error);
  if (!error) return absl::OkStatus();
  return base::errno_status(fmt::format("remove {}", directory.string()), error.value());
}

absl::Status Pins::remove(const VersionPin& version) {
  detach_links(version.links());
  return remove(version.path);
}

// Links go first: what is still attached then finds its maps until it is not.
absl::Status uninstall(std::string_view pin_dir) {
  const fs::path root(pin_dir);
  std::error_code error;
  if (!fs::exists(root, error)) return absl::OkStatus();
  VIC_RETURN_IF_ERROR(is_bpffs(root));
  VIC_ASSIGN_OR_RETURN(const base::UniqueFd lock, lock_directory(root));
  std::vector<fs::path> versions;
  for (const auto& entry : fs::directory_iterator(root, error)) versions.push_back(entry.path());
  for (const fs::path& version : versions) detach_links(version / "links");
  for (const fs::path& version : versions) VIC_RETURN_IF_ERROR(Pins::remove(version / "links"));
  for (const fs::path& version : versions) VIC_RETURN_IF_ERROR(Pins::remove(version));
  return Pins::remove(root);
}

}  // namespace vicinity::dataplane
