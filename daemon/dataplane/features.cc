#include "dataplane/features.h"

#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <fmt/ranges.h>
#include <linux/bpf.h>
#include <sys/utsname.h>

#include <algorithm>
#include <memory>

#include "base/status.h"

namespace vicinity::dataplane {
namespace {

struct Row {
  std::string_view name;
  std::string_view without;  // empty: needed
  bool (*probe)(const Prober&);
};

constexpr Row kRows[] = {
    {.name = "connect_hooks",
     .without = "",
     .probe =
         [](const Prober& kernel) {
           return kernel.has_program_type(BPF_PROG_TYPE_CGROUP_SOCK_ADDR);
         }},
    {.name = "ring_buffer",
     .without = "",
     .probe = [](const Prober& kernel) { return kernel.has_map_type(BPF_MAP_TYPE_RINGBUF); }},
    {.name = "set_retval",
     .without = "",
     .probe =
         [](const Prober& kernel) {
           return kernel.has_helper(BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_FUNC_set_retval);
         }},
    {.name = "netns_cookie",
     .without = "sockets are not told apart by network namespace",
     .probe =
         [](const Prober& kernel) {
           return kernel.has_helper(BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_FUNC_get_netns_cookie);
         }},
    {.name = "socket_storage",
     .without = "original destinations are kept by socket cookie",
     .probe = [](const Prober& kernel) { return kernel.has_map_type(BPF_MAP_TYPE_SK_STORAGE); }},
    {.name = "sock_ops",
     .without = "connections are not followed after connect",
     .probe = [](const Prober& kernel) { return kernel.has_program_type(BPF_PROG_TYPE_SOCK_OPS); }},
    {.name = "kernel_btf",
     .without = "no iterators: pods are learned from their connections, sockets ended by sock_diag",
     .probe = [](const Prober& kernel) { return kernel.has_btf(); }},
    {.name = "mptcp_socket",
     .without = "getpeername of an MPTCP socket shows the endpoint",
     .probe =
         [](const Prober& kernel) {
           return kernel.has_helper(BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_FUNC_skc_to_mptcp_sock);
         }},
    {.name = "sock_destroy",
     .without = "sockets of removed endpoints are ended by sock_diag",
     .probe = [](const Prober& kernel) { return kernel.has_function("bpf_sock_destroy"); }},
};

struct FreeBtf {
  void operator()(btf* types) const { btf__free(types); }
};

class KernelProber final : public Prober {
 public:
  KernelProber() : types_(btf__load_vmlinux_btf()) {}

  bool has_program_type(int type) const override {
    return libbpf_probe_bpf_prog_type(static_cast<bpf_prog_type>(type), nullptr) == 1;
  }
  bool has_map_type(int type) const override {
    return libbpf_probe_bpf_map_type(static_cast<bpf_map_type>(type), nullptr) == 1;
  }
  bool has_helper(int program_type, int helper) const override {
    return libbpf_probe_bpf_helper(static_cast<bpf_prog_type>(program_type),
                                   static_cast<bpf_func_id>(helper), nullptr) == 1;
  }
  bool has_function(std::string_view name) const override {
    return has_btf() &&
           btf__find_by_name_kind(types_.get(), std::string(name).c_str(), BTF_KIND_FUNC) > 0;
  }
  bool has_btf() const override { return types_ != nullptr; }
  std::string release() const override {
    utsname name = {};
    return ::uname(&name) == 0 ? name.release : "unknown";
  }

 private:
  std::unique_ptr<btf, FreeBtf> types_;
};

bool is_needed(std::string_view name) {
  return std::ranges::any_of(
      kRows, [&](const Row& row) { return row.name == name && row.without.empty(); });
}

}  // namespace

Features probe_features(const Prober& prober) {
  Features features = {.kernel = prober.release(), .features = {}};
  for (const Row& row : kRows) {
    features.features.push_back({.name = std::string(row.name),
                                 .present = row.probe(prober),
                                 .without = std::string(row.without)});
  }
  return features;
}

const Features& kernel_features() {
  // The kernel's types are large: they are read, asked and let go.
  static const Features features = probe_features(KernelProber());
  return features;
}

bool has(const Features& features, std::string_view name) {
  return std::ranges::any_of(features.features, [&](const Feature& feature) {
    return feature.present && feature.name == name;
  });
}

absl::Status check_needed(const Features& features) {
  std::vector<std::string_view> missing;
  for (const Feature& feature : features.features) {
    if (!feature.present && is_needed(feature.name)) missing.push_back(feature.name);
  }
  if (missing.empty()) return absl::OkStatus();
  return absl::FailedPreconditionError(
      fmt::format("kernel {}: without {}; kernel 6.1 or later is needed, and CAP_BPF and "
                  "CAP_NET_ADMIN to find out",
                  features.kernel, fmt::join(missing, ", ")));
}

}  // namespace vicinity::dataplane
