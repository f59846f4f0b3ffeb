// The instructions of a hook that a data plane has attached, as the kernel was given them, and its
// maps: loaded a second time beside it, over the same maps. Main thread.
#pragma once

#include <absl/status/statusor.h>
#include <linux/bpf.h>

#include <map>
#include <memory>
#include <span>
#include <vector>

#include "bench/lines/machine.h"

struct bpf_object;

namespace vicinity::bench {

class HookCopy {
 public:
  // `attached`: a descriptor of the program. `name`: of its function in the object.
  [[nodiscard]] static absl::StatusOr<HookCopy> make(int attached, const char* name);

  [[nodiscard]] std::span<const bpf_insn> instructions() const { return instructions_; }
  [[nodiscard]] std::map<int, MapView*> maps() const;

 private:
  struct Close {
    void operator()(bpf_object* object) const;
  };
  std::unique_ptr<bpf_object, Close> object_;
  std::span<const bpf_insn> instructions_;
  std::map<int, std::unique_ptr<MapView>> maps_;
};

}  // namespace vicinity::bench
