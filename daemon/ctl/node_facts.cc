#include "ctl/node_facts.h"

#include <absl/time/clock.h>
#include <ifaddrs.h>
#include <linux/magic.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/statfs.h>
#include <sys/timex.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <string_view>
#include <utility>

#include "base/status.h"
#include "base/unique_fd.h"
#include "config/flags.h"
#include "ctl/failure.h"
#include "model/ip_address.h"

namespace vicinity::ctl {
namespace {

namespace fs = std::filesystem;

constexpr size_t kExamples = 3;
constexpr std::string_view kStrictMark = " strict-mtls";
// Where NodeLocal DNSCache listens unless it is told otherwise.
constexpr uint32_t kLocalDns = 0xa9fe140a;  // 169.254.20.10

std::string setting(const admin::SettingsReply& settings, std::string_view name) {
  for (const admin::Setting& one : settings.settings()) {
    if (one.name() == name && !one.values().empty()) return one.values(0);
  }
  return std::string(config::find_flag(name)->default_text);
}

// Workloads with mTLS only, out of the snapshot's text: a workload a line, its uid second.
void take_line(std::string_view line, NodeFacts& facts) {
  if (!line.ends_with(kStrictMark)) return;
  ++facts.strict_count;
  std::string kind;
  std::string uid;
  std::istringstream(std::string(line)) >> kind >> uid;
  if (facts.strict.size() < kExamples) facts.strict.push_back(uid);
}

// Leaves in `text` what has no line end yet.
void take_lines(std::string& text, NodeFacts& facts) {
  size_t begin = 0;
  for (size_t end = text.find('\n'); end != std::string::npos; end = text.find('\n', begin)) {
    take_line(std::string_view(text).substr(begin, end - begin), facts);
    begin = end + 1;
  }
  text.erase(0, begin);
}

void ask_strict(AdminClient& client, NodeFacts& facts) {
  std::string rest;
  // Without it the check says nothing of them; `daemon` or `feed` have the reason.
  (void)client.dump(admin::DumpRequest::SNAPSHOT, [&](std::string_view part) {
    rest += part;
    take_lines(rest, facts);
  });
}

// Capabilities and uid of a process; its own words in /proc.
void read_credentials(const std::string& process, NodeFacts& facts) {
  std::ifstream file("/proc/" + process + "/status");
  for (std::string name, line; file >> name; std::getline(file, line)) {
    if (name == "Uid:") {
      uint32_t uid = 0;
      if (file >> uid) facts.uid = uid;
    } else if (name == "CapEff:") {
      uint64_t bits = 0;
      if (file >> std::hex >> bits >> std::dec) facts.capabilities = bits;
    }
  }
}

// 0: not to be seen from here.
pid_t daemon_behind(const std::string& socket_path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (socket_path.size() >= sizeof(address.sun_path)) return 0;
  socket_path.copy(address.sun_path, socket_path.size());
  const base::UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    return 0;
  }
  ucred peer{};
  socklen_t size = sizeof(peer);
  return ::getsockopt(fd.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 ? peer.pid : 0;
}

bool is_on(const std::string& path, long magic) {
  struct statfs info{};
  return ::statfs(path.c_str(), &info) == 0 && info.f_type == magic;
}

// "" : there is none.
std::string mounted_cgroup2() {
  std::ifstream mounts("/proc/self/mounts");
  std::string line;
  for (std::string device, folder, type; mounts >> device >> folder >> type;) {
    if (type == "cgroup2") return folder;
    std::getline(mounts, line);
  }
  return "";
}

void look_at_cgroup(NodeFacts& facts) {
  if (facts.cgroup.empty()) facts.cgroup = mounted_cgroup2();
  if (facts.cgroup.empty()) {
    facts.cgroup_problem = "no cgroup v2 hierarchy is mounted";
  } else if (!is_on(facts.cgroup, CGROUP2_SUPER_MAGIC)) {
    facts.cgroup_problem = "not a cgroup v2 directory";
  } else {
    // The kernel gives every cgroup a type but the root.
    facts.cgroup_nested = fs::exists(fs::path(facts.cgroup) / "cgroup.type");
  }
  if (!facts.cgroup_problem.empty()) {
    facts.programs_problem = "no cgroup to look at";
    return;
  }
  auto programs = connect_programs(facts.cgroup);
  if (programs.ok()) {
    facts.programs = *std::move(programs);
  } else {
    facts.programs_problem = std::string(base::message(programs.status()));
  }
}

void look_at_pins(NodeFacts& facts) {
  std::error_code unreadable;
  facts.pinned = fs::exists(facts.pin_dir, unreadable);
  // Before the first start only the folder above is there.
  const std::string folder =
      facts.pinned ? facts.pin_dir : fs::path(facts.pin_dir).parent_path().string();
  if (!is_on(folder, BPF_FS_MAGIC)) facts.pin_problem = "not on a BPF file system";
}

void look_at_addresses(NodeFacts& facts) {
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) != 0) return;
  const std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> all(list, ::freeifaddrs);
  for (const ifaddrs* one = list; one != nullptr; one = one->ifa_next) {
    if (one->ifa_addr == nullptr || one->ifa_addr->sa_family != AF_INET) continue;
    const auto* address = reinterpret_cast<const sockaddr_in*>(one->ifa_addr);
    if (ntohl(address->sin_addr.s_addr) == kLocalDns) {
      facts.local_dns.emplace_back("169.254.20.10");
    }
  }
}

void look_at_system(NodeFacts& facts) {
  utsname name{};
  if (::uname(&name) == 0) facts.kernel = name.release;
  facts.btf = fs::exists("/sys/kernel/btf/vmlinux");
  timex clock{};
  facts.clock_synchronized = ::adjtimex(&clock) != TIME_ERROR;
  facts.now = absl::Now();
  const MeshListeners listeners = mesh_listeners();
  facts.ztunnel_listeners = listeners.ztunnel;
  facts.sidecar_listeners = listeners.sidecar;
  if (listeners.namespaces < 2) {
    facts.listeners_problem = "only one network namespace is to be seen from here";
  }
}

void ask_daemon(const config::CommandLine& line, NodeFacts& facts) {
  admin::SettingsReply settings;
  auto client = open_daemon(line);
  if (client.ok()) {
    auto status = client->status();
    if (!status.ok()) facts.no_daemon = std::string(base::message(status.status()));
    if (status.ok()) facts.status = *std::move(status);
    if (auto answer = client->settings(); answer.ok()) settings = *std::move(answer);
    ask_strict(*client, facts);
  } else {
    facts.no_daemon = std::string(base::message(client.status()));
  }
  facts.pin_dir = line.get("pin-dir", setting(settings, "pin-dir"));
  facts.cgroup = line.get("cgroup", setting(settings, "cgroup"));
  if (facts.status && !facts.status->data_plane().cgroup().empty()) {
    facts.cgroup = facts.status->data_plane().cgroup();
  }
  const pid_t daemon = client.ok() ? daemon_behind(admin_socket(line)) : 0;
  if (daemon != 0) read_credentials(std::to_string(daemon), facts);
  if (!client.ok()) read_credentials("self", facts);
}

}  // namespace

NodeFacts look_at_node(const config::CommandLine& line) {
  NodeFacts facts;
  ask_daemon(line, facts);
  look_at_system(facts);
  look_at_cgroup(facts);
  look_at_pins(facts);
  look_at_addresses(facts);
  return facts;
}

}  // namespace vicinity::ctl
