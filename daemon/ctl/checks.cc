#include "ctl/checks.h"

#include <absl/strings/numbers.h>
#include <absl/strings/str_split.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ctl/check_rules.h"

namespace vicinity::ctl {
namespace {

constexpr std::string_view kOurPrograms = "vic_";
constexpr unsigned kOldestMajor = 6;
constexpr unsigned kOldestMinor = 1;
// A daemon that is well samples when it is asked.
constexpr absl::Duration kOldSample = absl::Seconds(30);

struct Capability {
  unsigned bit;
  std::string_view name;
};
constexpr std::array kNeeded{Capability{39, "CAP_BPF"}, Capability{12, "CAP_NET_ADMIN"},
                             Capability{38, "CAP_PERFMON"}};

// Programs of others that translate services at connect(2), by how their names begin.
struct Translator {
  std::string_view prefix;
  std::string_view product;
  std::string_view remedy;
};
constexpr std::array kTranslators{
    Translator{
        "cil_sock", "Cilium",
        "set Cilium's socketLB.hostNamespaceOnly=true, so that it leaves the connects of pods"},
    Translator{
        "sock4_connect", "Cilium",
        "set Cilium's socketLB.hostNamespaceOnly=true, so that it leaves the connects of pods"},
    Translator{"calico_connect", "Calico",
               "set Calico's bpfConnectTimeLoadBalancing: Disabled (FelixConfiguration)"},
    Translator{"cali_ctlb", "Calico",
               "set Calico's bpfConnectTimeLoadBalancing: Disabled (FelixConfiguration)"},
};

// 6.1 or newer; unreadable releases are taken for new.
bool is_new_enough(std::string_view release) {
  const std::vector<std::string> parts =
      absl::StrSplit(std::string(release), absl::MaxSplits(absl::ByAnyChar(".-"), 2));
  uint32_t major = 0;
  uint32_t minor = 0;
  if (parts.size() < 2 || !absl::SimpleAtoi(parts[0], &major) ||
      !absl::SimpleAtoi(parts[1], &minor)) {
    return true;
  }
  return major > kOldestMajor || (major == kOldestMajor && minor >= kOldestMinor);
}

void check_daemon(const NodeFacts& facts, Findings& to) {
  if (!facts.status) {
    const std::string_view serves =
        facts.pinned ? "; tables of an earlier daemon serve until their lease ends" : "";
    to.push_back({"daemon", Verdict::kFail, fmt::format("{}{}", facts.no_daemon, serves),
                  "start vicinityd; kubectl logs or journalctl -u vicinityd say why it ended"});
    return;
  }
  const absl::Duration age = facts.now - time_of(facts.status->sampled_at());
  if (age > kOldSample) {
    to.push_back({"daemon", Verdict::kFail,
                  fmt::format("its status is {:.0f} s old: the control loop does not answer",
                              absl::ToDoubleSeconds(age)),
                  "vicinityctl bundle, then restart it: tables serve meanwhile"});
    return;
  }
  add_ok(to, "daemon", fmt::format("version {} answers", facts.status->version()));
}

void check_kernel(const NodeFacts& facts, Findings& to) {
  if (!is_new_enough(facts.kernel)) {
    to.push_back({"kernel", Verdict::kFail, fmt::format("{} is older than 6.1", facts.kernel),
                  "a node image with kernel 6.1 or newer"});
  } else if (!facts.btf) {
    to.push_back({"kernel", Verdict::kFail,
                  fmt::format("{} has no BTF (/sys/kernel/btf/vmlinux)", facts.kernel),
                  "a kernel built with CONFIG_DEBUG_INFO_BTF=y"});
  } else {
    add_ok(to, "kernel", fmt::format("{}, with BTF", facts.kernel));
  }
  if (!facts.status) return;
  for (const admin::Feature& feature : facts.status->data_plane().features()) {
    if (feature.present()) continue;
    to.push_back({"kernel", Verdict::kNote,
                  fmt::format("lacks {}: {}", feature.name(), feature.without()),
                  "a newer kernel, if you need it"});
  }
}

void check_permissions(const NodeFacts& facts, Findings& to) {
  if (!facts.capabilities || !facts.uid) {
    to.push_back({"permissions", Verdict::kUnknown, "the daemon's process is not visible from here",
                  "run it where the daemon's processes are visible, as root"});
    return;
  }
  std::vector<std::string_view> missing;
  for (const Capability& one : kNeeded) {
    if ((*facts.capabilities >> one.bit & 1) == 0) missing.push_back(one.name);
  }
  const std::string_view whose = facts.status ? "vicinityd" : "this process";
  if (!missing.empty()) {
    to.push_back({"permissions", Verdict::kFail,
                  fmt::format("{} lacks {}", whose, fmt::join(missing, ", ")),
                  "give it CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON (docs/security.md)"});
  } else if (*facts.uid != 0) {
    to.push_back({"permissions", Verdict::kFail, fmt::format("{} is not uid 0", whose),
                  "run it as uid 0: pins and cgroup directories are root's (docs/security.md)"});
  } else {
    add_ok(to, "permissions", fmt::format("{} has uid 0 and its capabilities", whose));
  }
}

void check_pins(const NodeFacts& facts, Findings& to) {
  if (facts.pin_problem.empty()) {
    add_ok(to, "pins", facts.pin_dir);
  } else {
    to.push_back({"pins", Verdict::kFail, fmt::format("{}: {}", facts.pin_dir, facts.pin_problem),
                  "mount -t bpf bpf /sys/fs/bpf; the chart's host.mountBpffs.enabled=true"});
  }
}

void check_cgroup(const NodeFacts& facts, Findings& to) {
  if (!facts.cgroup_problem.empty()) {
    to.push_back(
        {"cgroup", Verdict::kFail, fmt::format("{}: {}", facts.cgroup, facts.cgroup_problem),
         "--cgroup: the host's cgroup v2 hierarchy, /sys/fs/cgroup or its unified folder"});
  } else if (facts.cgroup_nested) {
    to.push_back({"cgroup", Verdict::kNote,
                  fmt::format("{} is not the root of its hierarchy: sockets outside of it are not "
                              "balanced",
                              facts.cgroup),
                  "--cgroup: the root, unless you mean just this part of the node"});
  } else {
    add_ok(to, "cgroup", facts.cgroup);
  }
}

void check_hooks(const NodeFacts& facts, Findings& to) {
  if (!facts.status) return;
  const admin::DataPlane& plane = facts.status->data_plane();
  if (!plane.attached()) {
    to.push_back(
        {"hooks", Verdict::kFail,
         fmt::format("not attached: {}", plane.attach_problem().empty() ? "nothing is published yet"
                                                                        : plane.attach_problem()),
         "bpftool cgroup tree: another program there must allow others (multi)"});
  } else if (plane.predecessor_abi() != 0) {
    to.push_back({"hooks", Verdict::kNote,
                  fmt::format("tables of ABI {} serve until the feed is in sync and quiet",
                              plane.predecessor_abi()),
                  "wait; if it stays, see `feed`"});
  } else {
    add_ok(to, "hooks", fmt::format("attached to {}", plane.cgroup()));
  }
}

const Translator* translator_of(std::string_view program) {
  const auto* found = std::find_if(kTranslators.begin(), kTranslators.end(), [&](const auto& one) {
    return program.starts_with(one.prefix);
  });
  return found == kTranslators.end() ? nullptr : found;
}

void check_unnamed_programs(const NodeFacts& facts, Findings& to) {
  const size_t ours = facts.status && facts.status->data_plane().attached() ? 1 : 0;
  if (facts.programs.size() <= ours) return add_ok(to, "programs", "no other");
  std::vector<uint32_t> ids;
  for (const ConnectProgram& one : facts.programs) ids.push_back(one.id);
  to.push_back(
      {"programs", Verdict::kUnknown,
       fmt::format("{} beside ours at connect, ids {}", facts.programs.size() - ours,
                   fmt::join(ids, ", ")),
       "bpftool prog show id N on the node tells whose they are (it takes CAP_SYS_ADMIN)"});
}

void check_programs(const NodeFacts& facts, Findings& to) {
  if (!facts.programs_problem.empty()) {
    to.push_back({"programs", Verdict::kUnknown, facts.programs_problem,
                  "run it as root on the node, or: bpftool cgroup tree"});
    return;
  }
  const bool named = std::all_of(facts.programs.begin(), facts.programs.end(),
                                 [](const ConnectProgram& one) { return !one.name.empty(); });
  if (!named) return check_unnamed_programs(facts, to);
  const size_t before = to.size();
  for (const ConnectProgram& one : facts.programs) {
    if (one.name.starts_with(kOurPrograms)) continue;
    const Translator* translator = translator_of(one.name);
    if (translator != nullptr) {
      to.push_back({"programs", Verdict::kFail,
                    fmt::format("{}'s {} translates services at connect, too: whoever comes first "
                                "decides",
                                translator->product, one.name),
                    std::string(translator->remedy)});
    } else {
      to.push_back({"programs", Verdict::kNote, fmt::format("{} runs at connect, too", one.name),
                    fmt::format("if services are not balanced: bpftool prog show id {}", one.id)});
    }
  }
  if (to.size() == before) add_ok(to, "programs", "no other at connect");
}

void check_probe(const NodeFacts& facts, Findings& to) {
  if (!facts.status) return;
  const admin::Probe& probe = facts.status->probe();
  if (!probe.translated()) {
    to.push_back({"probe", Verdict::kFail,
                  fmt::format("a probe connect was not translated: {}", probe.problem()),
                  "see `hooks`, `cgroup` and `programs`: the hooks must be on a cgroup above it"});
  } else if (!probe.from_sibling()) {
    to.push_back(
        {"probe", Verdict::kNote,
         fmt::format("translated, but only from the daemon's own cgroup: {}",
                     probe.why_no_sibling()),
         "nothing to do if the counter of translated connects grows (vicinityctl status)"});
  } else {
    add_ok(to, "probe", "a connect from a cgroup beside the daemon's was translated");
  }
}

}  // namespace

std::string_view verdict_name(Verdict verdict) {
  switch (verdict) {
    case Verdict::kOk:
      return "ok";
    case Verdict::kNote:
      return "note";
    case Verdict::kFail:
      return "FAIL";
    case Verdict::kUnknown:
      return "unknown";
  }
  return "unknown";
}

std::vector<Finding> check(const NodeFacts& facts) {
  Findings findings;
  for (const auto rule : {check_daemon, check_kernel, check_permissions, check_pins, check_cgroup,
                          check_hooks, check_programs, check_probe, check_feed, check_place,
                          check_tables, check_pods, check_mesh, check_dns, check_clock}) {
    rule(facts, findings);
  }
  return findings;
}

}  // namespace vicinity::ctl
