#include "bench/lines/hook_copy.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>

#include <string>
#include <string_view>
#include <utility>

#include "base/status.h"
#include "base/unique_fd.h"
#include "dataplane/object.h"

namespace vicinity::bench {
namespace {

using FdsByName = std::map<std::string, base::UniqueFd>;

// The frozen options' map is called after the object, which the kernel cuts off.
std::string plain_name(std::string_view name) {
  return std::string(name.ends_with(".rodata") ? ".rodata" : name.substr(0, BPF_OBJ_NAME_LEN - 1));
}

absl::StatusOr<FdsByName> maps_of_program(int program) {
  bpf_prog_info info{};
  uint32_t length = sizeof(info);
  if (bpf_obj_get_info_by_fd(program, &info, &length) != 0) {
    return base::errno_status("program: look at it");
  }
  std::vector<uint32_t> ids(info.nr_map_ids);
  info = {};
  info.nr_map_ids = static_cast<uint32_t>(ids.size());
  info.map_ids = reinterpret_cast<uint64_t>(ids.data());
  if (bpf_obj_get_info_by_fd(program, &info, &length) != 0) {
    return base::errno_status("program: list its maps");
  }
  FdsByName fds;
  for (const uint32_t id : ids) {
    base::UniqueFd fd(bpf_map_get_fd_by_id(id));
    bpf_map_info map{};
    uint32_t size = sizeof(map);
    if (!fd.valid() || bpf_obj_get_info_by_fd(fd.get(), &map, &size) != 0) {
      return base::errno_status("map of a program: open");
    }
    fds.emplace(plain_name(map.name), std::move(fd));
  }
  return fds;
}

}  // namespace

void HookCopy::Close::operator()(bpf_object* object) const { bpf_object__close(object); }

absl::StatusOr<HookCopy> HookCopy::make(int attached, const char* name) {
  VIC_ASSIGN_OR_RETURN(const FdsByName fds, maps_of_program(attached));
  const std::span<const std::byte> bytes = dataplane::bpf_object_bytes();
  HookCopy copy;
  copy.object_.reset(bpf_object__open_mem(bytes.data(), bytes.size(), nullptr));
  if (copy.object_ == nullptr) return base::errno_status("BPF object: open");
  bpf_map* map = nullptr;
  bpf_object__for_each_map(map, copy.object_.get()) {
    const auto found = fds.find(plain_name(bpf_map__name(map)));
    if (found == fds.end()) continue;
    if (bpf_map__reuse_fd(map, found->second.get()) != 0) {
      return base::errno_status(fmt::format("map {}: use", found->first));
    }
  }
  bpf_program* program = nullptr;
  bpf_object__for_each_program(program, copy.object_.get()) {
    bpf_program__set_autoload(program, std::string_view(bpf_program__name(program)) == name);
  }
  if (bpf_object__load(copy.object_.get()) != 0) return base::errno_status("BPF object: load");
  program = bpf_object__find_program_by_name(copy.object_.get(), name);
  copy.instructions_ = {bpf_program__insns(program), bpf_program__insn_cnt(program)};
  bpf_object__for_each_map(map, copy.object_.get()) {
    VIC_ASSIGN_OR_RETURN(copy.maps_[bpf_map__fd(map)], MapView::open(bpf_map__fd(map)));
  }
  return copy;
}

std::map<int, MapView*> HookCopy::maps() const {
  std::map<int, MapView*> maps;
  for (const auto& [fd, view] : maps_) maps.emplace(fd, view.get());
  return maps;
}

}  // namespace vicinity::bench
