// A BPF object that somebody else made, as a variant: its programs on the variant's cgroup, its
// maps filled by a program of theirs. Main thread.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <memory>
#include <string>
#include <vector>

#include "bench/cluster.h"
#include "support/cgroup.h"

struct bpf_link;
struct bpf_object;

namespace vicinity::bench {

class Foreign {
 public:
  // Pins its maps in `pin_dir` under their names and attaches every program for cgroups.
  [[nodiscard]] static absl::StatusOr<Foreign> attach(const testing::Cgroup& cgroup,
                                                      const std::string& object_file,
                                                      const std::string& pin_dir);

 private:
  struct Close {
    void operator()(bpf_object* object) const;
    void operator()(bpf_link* link) const;
  };
  std::unique_ptr<bpf_object, Close> object_;
  std::vector<std::unique_ptr<bpf_link, Close>> links_;
};

// What the filling program reads: a line for each endpoint,
// "SERVICE_ADDRESS SERVICE_PORT ADDRESS PORT TIER LOADED", those of a service together and the
// loaded ones (1) first.
[[nodiscard]] std::string table_lines(const compile::Diff& diff);

}  // namespace vicinity::bench
