#include "dataplane/object.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <linux/btf.h>
#include <linux/capability.h>
#include <spdlog/spdlog.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <vicinity/layout.h>

#include <array>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <initializer_list>
#include <memory>
#include <string>
#include <utility>

#include "base/status.h"
#include "dataplane/features.h"
#include "dataplane/tick.h"

namespace vicinity::dataplane {
namespace {

// libbpf explains a failed load line by line; the caller's status names the failure.
int log_libbpf(libbpf_print_level level, const char* format, va_list arguments) {
  if (level == LIBBPF_DEBUG) return 0;
  std::array<char, 4096> line = {};
  const int length = std::vsnprintf(line.data(), line.size(), format, arguments);
  std::string_view text(line.data());
  while (text.ends_with('\n')) text.remove_suffix(1);
  spdlog::log(level == LIBBPF_WARN ? spdlog::level::warn : spdlog::level::info, "{}", text);
  return length;
}

bool is_watching(const LoadPlan& plan) { return plan.sizes.watched > 1; }

std::map<std::string, uint32_t> entries_of(const LoadPlan& plan) {
  const Sizes::Family& ipv4 = plan.sizes.families[0];
  const Sizes::Family& ipv6 = plan.sizes.families[1];
  // A table of N buckets is at [N, 2N): see layout.h.
  return {{"vic_frontends4", 2 * ipv4.buckets},
          {"vic_frontends6", 2 * ipv6.buckets},
          {"vic_hints4", ipv4.buckets},
          {"vic_hints6", (ipv6.buckets + 1) / 2},
          {"vic_slots4", ipv4.aliased_slots + ipv4.plain_slots},
          {"vic_slots6", ipv6.aliased_slots + ipv6.plain_slots},
          {"vic_aliases4", ipv4.aliased_slots},
          {"vic_aliases6", ipv6.aliased_slots},
          {"vic_services", plan.sizes.records},
          {"vic_choices", plan.sizes.choice_lines},
          {"vic_affinities", plan.sizes.affinities},
          {"vic_watched", plan.sizes.watched},
          {"vic_notes", is_watching(plan) ? uint32_t{VIC_NOTE_LINES} : 1u},
          {"vic_counters", plan.shards * VIC_COUNTER_SHARD}};
}

// A pinned map that is not what this ABI version calls by its name.
absl::Status check_map(const bpf_map* map, int fd) {
  bpf_map_info info = {};
  uint32_t size = sizeof(info);
  if (bpf_obj_get_info_by_fd(fd, &info, &size) != 0) return base::errno_status("map info");
  if (info.type == static_cast<uint32_t>(bpf_map__type(map)) &&
      info.value_size == bpf_map__value_size(map)) {
    return absl::OkStatus();
  }
  return base::internal("map {}: pinned with type {} and {} bytes a value, not {} and {}",
                        bpf_map__name(map), info.type, info.value_size,
                        static_cast<int>(bpf_map__type(map)), bpf_map__value_size(map));
}

absl::Status take_over(bpf_map* map, int fd) {
  VIC_RETURN_IF_ERROR(check_map(map, fd));
  if (bpf_map__reuse_fd(map, fd) == 0) return absl::OkStatus();
  return base::errno_status(fmt::format("map {}: take over", bpf_map__name(map)));
}

absl::Status resize(bpf_map* map, uint32_t entries) {
  if (bpf_map__set_max_entries(map, entries) == 0) return absl::OkStatus();
  return base::errno_status(fmt::format("map {}: size {}", bpf_map__name(map), entries));
}

absl::Status set_maps(bpf_object* object, const LoadPlan& plan) {
  const auto entries = entries_of(plan);
  bpf_map* map = nullptr;
  bpf_object__for_each_map(map, object) {
    const std::string name = bpf_map__name(map);
    absl::Status status;
    if (auto taken = plan.reuse.find(name); taken != plan.reuse.end()) {
      status = take_over(map, taken->second);
    } else if (auto sized = entries.find(name); sized != entries.end()) {
      status = resize(map, sized->second);
    }
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

// Found by name in the object's BTF.
absl::Status set_option(bpf_object* object, const FrozenOption& option) {
  bpf_map* rodata = nullptr;
  bpf_map* map = nullptr;
  bpf_object__for_each_map(map, object) {
    if (std::string_view(bpf_map__name(map)).ends_with(".rodata")) rodata = map;
  }
  const btf* types = bpf_object__btf(object);
  const int section =
      types == nullptr ? -1 : btf__find_by_name_kind(types, ".rodata", BTF_KIND_DATASEC);
  if (rodata == nullptr || section < 0) return base::internal("BPF object: no .rodata");
  size_t size = 0;
  auto* bytes = static_cast<std::byte*>(const_cast<void*>(bpf_map__initial_value(rodata, &size)));
  const btf_type* layout = btf__type_by_id(types, static_cast<uint32_t>(section));
  const btf_var_secinfo* variable = btf_var_secinfos(layout);
  for (uint16_t i = 0; i < btf_vlen(layout); ++i, ++variable) {
    const btf_type* type = btf__type_by_id(types, variable->type);
    if (btf__name_by_offset(types, type->name_off) != option.name) continue;
    if (variable->size > sizeof(option.value) || variable->offset + variable->size > size) break;
    // The low bytes come first on both architectures.
    std::memcpy(bytes + variable->offset, &option.value, variable->size);
    return absl::OkStatus();
  }
  return base::internal("BPF object: no option {}", option.name);
}

absl::Status set_options(bpf_object* object, const LoadPlan& plan) {
  for (const FrozenOption& option : frozen_options(plan)) {
    VIC_RETURN_IF_ERROR(set_option(object, option));
  }
  return absl::OkStatus();
}

void leave_out(bpf_object* object, std::initializer_list<const char*> programs) {
  for (const char* name : programs) {
    bpf_program__set_autoload(bpf_object__find_program_by_name(object, name), false);
  }
}

struct Close {
  void operator()(bpf_object* object) const { bpf_object__close(object); }
};

absl::StatusOr<base::UniqueFd> duplicate(int fd, std::string_view name) {
  base::UniqueFd copy(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
  if (copy.valid()) return copy;
  return base::errno_status(fmt::format("BPF object: {}", name));
}

// Of those that loading takes.
std::string missing_capabilities() {
  __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> sets = {};
  if (::syscall(SYS_capget, &header, sets.data()) != 0) return "";
  std::string missing;
  for (const auto& [name, capability] :
       {std::pair("CAP_BPF", CAP_BPF), std::pair("CAP_NET_ADMIN", CAP_NET_ADMIN),
        std::pair("CAP_PERFMON", CAP_PERFMON)}) {
    const uint32_t effective = sets[CAP_TO_INDEX(capability)].effective;
    if ((effective & CAP_TO_MASK(capability)) == 0) missing += fmt::format(" {}", name);
  }
  return missing;
}

// Without one of them the verifier has errors of many kinds.
absl::Status load_error(int error) {
  if (const std::string missing = missing_capabilities(); !missing.empty()) {
    return absl::PermissionDeniedError("BPF object: load: missing:" + missing);
  }
  if (error == EPERM) {
    return absl::PermissionDeniedError(
        "BPF object: load: forbidden, although no capability is missing");
  }
  return base::errno_status("BPF object: load (kernel 6.1 or later is needed)", error);
}

}  // namespace

std::array<FrozenOption, 9> frozen_options(const LoadPlan& plan) {
  return {{{"vic_counting", plan.counting ? 1u : 0u},
           {"vic_host_netns", plan.host_netns},
           {"vic_probe_port", plan.probe_port},
           {"vic_shard_mask", plan.shards - 1},
           {"vic_record_tcp", plan.records.tcp ? 1u : 0u},
           {"vic_mptcp", plan.records.mptcp ? 1u : 0u},
           {"vic_peer_names", plan.records.peer_names},
           {"vic_watching", is_watching(plan) ? 1u : 0u},
           {"vic_tick_ns", tick_ns()}}};
}

bool kernel_tells_mptcp() {
  return libbpf_probe_bpf_helper(BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_FUNC_skc_to_mptcp_sock,
                                 nullptr) == 1;
}

bool kernel_destroys_sockets() { return has(kernel_features(), "sock_destroy"); }

absl::StatusOr<Object> Object::load(const LoadPlan& plan) {
  libbpf_set_print(log_libbpf);
  const std::span<const std::byte> bytes = bpf_object_bytes();
  // "vic" also begins the name of the map of frozen options.
  bpf_object_open_opts options = {};
  options.sz = sizeof(options);
  options.object_name = "vic";
  const std::unique_ptr<bpf_object, Close> opened(
      bpf_object__open_mem(bytes.data(), bytes.size(), &options));
  if (opened == nullptr) return base::errno_status("BPF object: open");
  bpf_object* object = opened.get();
  VIC_RETURN_IF_ERROR(set_maps(object, plan));
  VIC_RETURN_IF_ERROR(set_options(object, plan));
  // They need kernel BTF and a kernel function that is not everywhere; whoever loads the object
  // without them must not need either.
  if (!plan.records.destroy || !kernel_destroys_sockets()) {
    leave_out(object, {"vic_destroy_tcp", "vic_destroy_udp"});
  }
  if (!is_watching(plan)) leave_out(object, {"vic_set_state", "vic_error_report"});
  if (const int error = bpf_object__load(object); error != 0) return load_error(-error);
  Object result;
  VIC_RETURN_IF_ERROR(result.keep(object));
  return result;
}

// The descriptors are all that is needed from here on; what libbpf knows of the object is large.
absl::Status Object::keep(const bpf_object* object) {
  const bpf_map* map = nullptr;
  bpf_object__for_each_map(map, object) {
    const std::string name = bpf_map__name(map);
    VIC_ASSIGN_OR_RETURN(maps_[name], duplicate(bpf_map__fd(map), name));
  }
  bpf_program* program = nullptr;
  bpf_object__for_each_program(program, object) {
    if (bpf_program__fd(program) < 0) continue;
    const std::string name = bpf_program__name(program);
    VIC_ASSIGN_OR_RETURN(programs_[name], duplicate(bpf_program__fd(program), name));
  }
  return absl::OkStatus();
}

int Object::map_fd(std::string_view name) const {
  const auto found = maps_.find(name);
  return found == maps_.end() ? -ENOENT : found->second.get();
}

int Object::program_fd(std::string_view name) const {
  const auto found = programs_.find(name);
  return found == programs_.end() ? -ENOENT : found->second.get();
}

const std::vector<std::string>& Object::map_names() {
  static const std::vector<std::string> names = {
      "vic_config",     "vic_frontends4", "vic_frontends6", "vic_hints4",        "vic_hints6",
      "vic_slots4",     "vic_slots6",     "vic_aliases4",   "vic_aliases6",      "vic_services",
      "vic_choices",    "vic_active",     "vic_watched",    "vic_notes",         "vic_counted",
      "vic_affinities", "vic_context",    "vic_counters",   "vic_outcomes",      "vic_events",
      "vic_grace",      "vic_origins",    "vic_pairs",      "vic_mptcp_origins", "vic_pods",
      "vic_ranges4",    "vic_ranges6",    "vic_doomed",     "vic_ejections"};
  return names;
}

const std::vector<std::string>& Object::shared_map_names() {
  static const std::vector<std::string> names = {
      "vic_context", "vic_counters", "vic_active",   "vic_counted", "vic_outcomes",
      "vic_events",  "vic_grace",    "vic_origins",  "vic_pairs",   "vic_mptcp_origins",
      "vic_pods",    "vic_doomed",   "vic_ejections"};
  return names;
}

}  // namespace vicinity::dataplane
