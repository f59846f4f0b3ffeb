#include "bench/foreign.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>

#include <iterator>
#include <utility>

#include "base/status.h"
#include "support/bpffs.h"

namespace vicinity::bench {
namespace {

bool is_for_cgroups(const bpf_program* program) {
  switch (bpf_program__type(program)) {
    case BPF_PROG_TYPE_CGROUP_SOCK_ADDR:
    case BPF_PROG_TYPE_CGROUP_SOCK:
    case BPF_PROG_TYPE_SOCK_OPS:
      return true;
    default:
      return false;
  }
}

}  // namespace

void Foreign::Close::operator()(bpf_object* object) const { bpf_object__close(object); }
void Foreign::Close::operator()(bpf_link* link) const { bpf_link__destroy(link); }

absl::StatusOr<Foreign> Foreign::attach(const testing::Cgroup& cgroup,
                                        const std::string& object_file,
                                        const std::string& pin_dir) {
  Foreign foreign;
  foreign.object_.reset(bpf_object__open_file(object_file.c_str(), nullptr));
  if (foreign.object_ == nullptr || bpf_object__load(foreign.object_.get()) != 0) {
    return base::errno_status(fmt::format("{}: load", object_file));
  }
  VIC_RETURN_IF_ERROR(testing::make_pin_dir(pin_dir));
  if (bpf_object__pin_maps(foreign.object_.get(), pin_dir.c_str()) != 0) {
    return base::errno_status(fmt::format("{}: pin its maps", object_file));
  }
  bpf_program* program = nullptr;
  bpf_object__for_each_program(program, foreign.object_.get()) {
    if (!is_for_cgroups(program)) continue;
    foreign.links_.emplace_back(bpf_program__attach_cgroup(program, cgroup.fd()));
    if (foreign.links_.back() == nullptr) {
      return base::errno_status(
          fmt::format("{}: {}: attach", object_file, bpf_program__name(program)));
    }
  }
  if (foreign.links_.empty()) {
    return base::invalid("{}: no program for a cgroup in it", object_file);
  }
  return foreign;
}

std::string table_lines(const compile::Diff& diff) {
  std::string text;
  for (const compile::ServiceTable& service : diff.upserts) {
    const std::string address = service.addresses.front().to_string();
    for (const compile::PortTable& port : service.ports) {
      for (size_t i = 0; i < port.slots.size(); ++i) {
        const compile::Slot& slot = port.slots[i];
        fmt::format_to(std::back_inserter(text), "{} {} {} {} {} {}\n", address, port.port,
                       slot.address.to_string(), slot.port, slot.tier, i < port.loaded ? 1 : 0);
      }
    }
  }
  return text;
}

}  // namespace vicinity::bench
