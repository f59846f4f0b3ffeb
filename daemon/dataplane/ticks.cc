#include "dataplane/ticks.h"

#include <bpf/bpf.h>

#include "dataplane/tick.h"

namespace vicinity::dataplane {

uint64_t ticks_after(const Object& object, absl::Duration duration) {
  static const absl::Duration length = tick_length();
  if (length <= absl::ZeroDuration()) return 0;
  uint64_t now = 0;
  bpf_test_run_opts options = {};
  options.sz = sizeof(options);
  options.ctx_in = &now;
  options.ctx_size_in = sizeof(now);
  if (bpf_prog_test_run_opts(object.program_fd("vic_tell_ticks"), &options) != 0) return 0;
  absl::Duration rest;
  const int64_t ticks = absl::IDivDuration(duration, length, &rest);
  return ticks > 1 ? now + static_cast<uint64_t>(ticks) - 1 : 0;
}

}  // namespace vicinity::dataplane
