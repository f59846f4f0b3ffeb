// The self-test's rules: what was seen of a node to verdicts with remedies. Pure.
#pragma once

#include <absl/time/time.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "proto/vicinity/admin.pb.h"

namespace vicinity::ctl {

struct ConnectProgram {
  uint32_t id = 0;
  std::string name;  // empty: we may not ask for it (CAP_SYS_ADMIN)
};

// What `vicinityctl check` looks at. Whatever was not seen says why.
struct NodeFacts {
  std::optional<admin::StatusReply> status;
  std::string no_daemon;  // why there is no status

  std::string kernel;  // release
  bool btf = false;
  std::string cgroup;          // whose sockets are balanced
  std::string cgroup_problem;  // "not a cgroup v2 directory"
  bool cgroup_nested = false;  // below the root of its hierarchy
  std::string pin_dir;
  std::string pin_problem;  // "not on a BPF file system"
  bool pinned = false;      // tables of some daemon are there

  std::vector<ConnectProgram> programs;  // that run at an IPv4 connect of that cgroup, in order
  std::string programs_problem;
  uint64_t ztunnel_listeners = 0;  // network namespaces with a listener on port 15008
  uint64_t sidecar_listeners = 0;  // on 15001
  std::string listeners_problem;
  std::vector<std::string> local_dns;  // link-local addresses of this node that DNS caches have
  std::vector<std::string> strict;     // workloads that take mTLS only, the first of them
  uint64_t strict_count = 0;

  std::optional<uint64_t> capabilities;  // the daemon's; without a daemon: ours
  std::optional<uint32_t> uid;           // of the same process
  bool clock_synchronized = true;
  absl::Time now = absl::InfinitePast();
};

enum class Verdict : uint8_t {
  kOk,
  kNote,     // works, but somebody should know
  kFail,     // does not work, or not as it should
  kUnknown,  // could not be looked at
};
[[nodiscard]] std::string_view verdict_name(Verdict verdict);

struct Finding {
  std::string check;  // "feed"
  Verdict verdict = Verdict::kOk;
  std::string found;
  std::string remedy;  // empty only when ok
};

// One per check and problem, in the order to repair them in.
[[nodiscard]] std::vector<Finding> check(const NodeFacts& facts);

}  // namespace vicinity::ctl
