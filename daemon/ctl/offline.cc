#include "ctl/offline.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <utility>

#include "base/status.h"
#include "feed/file/mesh_file.h"

namespace vicinity::ctl {
namespace {

// `what` = "mesh file".
absl::StatusOr<std::string> read_file(std::string_view what, const std::string& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) {
    return base::invalid("{} {}: {}", what, path, std::strerror(EISDIR));
  }
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  const bool empty = file && file.peek() == std::ifstream::traits_type::eof();
  if (empty) return std::string();
  if (file) text << file.rdbuf();
  if (!file) return base::invalid("{} {}: {}", what, path, std::strerror(errno));
  return text.str();
}

// Names of refused documents: by the parser, which knows them, or by the decoder after it.
std::vector<std::string> refused_names(const model::Snapshot& snapshot, std::string_view text) {
  feed::MeshFile file = feed::parse_mesh(text);
  std::vector<std::string> names = std::move(file.refused);
  for (const feed::NamedAddress& resource : file.resources) {
    const auto key = snapshot.symbols().find(resource.name);
    const bool known = (key && snapshot.find_service(*key) != nullptr) ||
                       snapshot.find_workload(resource.name) != nullptr;
    if (!known) names.push_back(resource.name);
  }
  return names;
}

}  // namespace

absl::StatusOr<OfflineMesh> load_offline(const std::string& path, const ClientText& client) {
  VIC_ASSIGN_OR_RETURN(const std::string text, read_file("mesh file", path));
  OfflineMesh mesh{.snapshot = snapshot_for(client), .client = {}, .complaints = {}, .refused = {}};
  for (const feed::ResourceError& error : feed::load_mesh_into(mesh.snapshot, text)) {
    mesh.complaints.push_back(fmt::format("{}: {}: {}", path, error.resource, error.message));
  }
  if (!mesh.complaints.empty()) mesh.refused = refused_names(mesh.snapshot, text);
  const size_t usable = mesh.snapshot.service_count() + mesh.snapshot.workload_count();
  if (usable == 0 && !mesh.complaints.empty()) {
    return base::invalid("{}\n{}: no usable document", fmt::join(mesh.complaints, "\n"), path);
  }
  mesh.client = context_of(client, mesh.snapshot);
  return mesh;
}

absl::StatusOr<policy::book::Load> load_policies(const std::vector<std::string>& paths) {
  std::vector<policy::book::FileText> files;
  for (const std::string& path : paths) {
    VIC_ASSIGN_OR_RETURN(std::string text, read_file("policy file", path));
    files.push_back({.file = path, .text = std::move(text)});
  }
  return policy::book::load(files);
}

}  // namespace vicinity::ctl
