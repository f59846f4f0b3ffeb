// Listeners of ztunnel and sidecars, in the network namespaces of the processes that we see.
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <string>

#include "ctl/node_facts.h"

namespace vicinity::ctl {
namespace {

namespace fs = std::filesystem;

// In /proc/net/tcp: the port in hexadecimal, and the state LISTEN.
constexpr std::string_view kZtunnelPort = ":3AA0";  // 15008
constexpr std::string_view kSidecarPort = ":3A99";  // 15001
constexpr std::string_view kListen = "0A";

bool is_process(const fs::path& path) {
  return path.filename().string().find_first_not_of("0123456789") == std::string::npos;
}

struct Ports {
  bool ztunnel = false;
  bool sidecar = false;
};

// Lines "sl local_address rem_address st ...".
void read_sockets(const fs::path& path, Ports& ports) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);  // the heading
  for (std::string number, local, remote, state; file >> number >> local >> remote >> state;) {
    std::getline(file, line);
    if (state != kListen) continue;
    ports.ztunnel = ports.ztunnel || local.ends_with(kZtunnelPort);
    ports.sidecar = ports.sidecar || local.ends_with(kSidecarPort);
  }
}

}  // namespace

MeshListeners mesh_listeners() {
  MeshListeners found;
  std::set<ino_t> seen;
  std::error_code gone;  // processes end while we look
  for (const auto& entry : fs::directory_iterator("/proc", gone)) {
    struct stat netns{};
    if (!is_process(entry.path())) continue;
    if (::stat((entry.path() / "ns/net").c_str(), &netns) != 0) continue;
    if (!seen.insert(netns.st_ino).second) continue;
    Ports ports;
    read_sockets(entry.path() / "net/tcp", ports);
    read_sockets(entry.path() / "net/tcp6", ports);
    found.ztunnel += ports.ztunnel ? 1 : 0;
    found.sidecar += ports.sidecar ? 1 : 0;
    ++found.namespaces;
  }
  return found;
}

}  // namespace vicinity::ctl
