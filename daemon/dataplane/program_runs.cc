#include "dataplane/program_runs.h"

#include <bpf/bpf.h>
#include <linux/bpf.h>

#include "dataplane/links.h"

namespace vicinity::dataplane {

std::vector<ProgramRuns> program_runs(const Object& object) {
  std::vector<ProgramRuns> all;
  for (const Hook& hook : hooks()) {
    bpf_prog_info info = {};
    uint32_t size = sizeof(info);
    // A program that cannot be asked shows as one that never ran.
    bpf_obj_get_info_by_fd(object.program_fd(hook.program), &info, &size);
    all.push_back({.name = hook.name,
                   .runs = info.run_cnt,
                   .time = absl::Nanoseconds(static_cast<int64_t>(info.run_time_ns))});
  }
  return all;
}

}  // namespace vicinity::dataplane
