#include "feed/file/mesh_loader.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

#include "base/status.h"
#include "base/steady_time.h"
#include "base/unique_fd.h"
#include "feed/file/yaml_message.h"

namespace vicinity::feed {
namespace {

constexpr size_t kBufferBytes = 65536;

absl::StatusOr<std::string> read_file(const std::filesystem::path& path) {
  const base::UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return base::errno_status(fmt::format("mesh file {}", path.native()));
  std::string text;
  std::array<char, kBufferBytes> buffer;
  for (;;) {
    const ssize_t got = read(fd.get(), buffer.data(), buffer.size());
    if (got == 0) return text;
    if (got > 0) {
      text.append(buffer.data(), static_cast<size_t>(got));
    } else if (errno != EINTR) {
      return base::errno_status(fmt::format("mesh file {}: read", path.native()));
    }
  }
}

// An empty file is more likely one that somebody is about to write than the wish to have nothing:
// that can be said with a file of "---".
absl::Status check_usable(const std::filesystem::path& path, const std::string& text,
                          const MeshFile& mesh) {
  if (text.empty()) return base::invalid("mesh file {}: empty, nothing changed", path.native());
  if (!mesh.resources.empty() || mesh.errors.empty()) return absl::OkStatus();
  return base::invalid("mesh file {}: none of {} documents can be used, nothing changed; {}: {}",
                       path.native(), mesh.errors.size(), mesh.errors.front().resource,
                       mesh.errors.front().message);
}

}  // namespace

std::optional<MeshLoad> MeshLoader::load() {
  absl::StatusOr<std::string> text = read_file(path_);
  std::string state = text.ok() ? *text : std::string(base::message(text.status()));
  if (last_text_ == state && last_good_ == text.ok()) return std::nullopt;
  last_text_ = std::move(state);
  last_good_ = text.ok();
  MeshLoad load{
      .status = text.status(), .mesh = {}, .fingerprints = {}, .received = base::steady_now()};
  if (!text.ok()) return load;
  load.mesh = parse_mesh(*text);
  load.status = check_usable(path_, *text, load.mesh);
  for (const NamedAddress& resource : load.mesh.resources) {
    load.fingerprints.emplace(resource.name, base::StringHash{}(stable_bytes(resource.address)));
  }
  return load;
}

}  // namespace vicinity::feed
