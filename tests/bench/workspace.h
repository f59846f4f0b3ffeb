// Where the benchmark's cgroups, pins and network namespaces are, named after its pid and gone with
// the object; those of a run that was killed are removed by the next one. Main thread.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <string>
#include <string_view>
#include <vector>

#include "bench/shape.h"
#include "support/cgroup.h"
#include "support/netns.h"

namespace vicinity::bench {

class Workspace {
 public:
  [[nodiscard]] static absl::StatusOr<Workspace> create();
  Workspace(Workspace&& other) noexcept;
  Workspace& operator=(Workspace&&) = delete;
  ~Workspace();

  [[nodiscard]] absl::StatusOr<testing::Cgroup> make_cgroup(std::string_view name) const;
  // A name no directory has yet, on bpffs.
  [[nodiscard]] std::string pin_dir(std::string_view name) const;

 private:
  Workspace(std::string cgroup, std::string pins)
      : cgroup_(std::move(cgroup)), pins_(std::move(pins)) {}
  std::string cgroup_;
  std::string pins_;
};

// A namespace in which every endpoint address is local, and nothing else is anywhere.
[[nodiscard]] absl::StatusOr<testing::Netns> make_endpoint_netns();
// For packet filters, which need a route to what they rewrite. What stays unrewritten is lost.
[[nodiscard]] absl::Status route_services(const testing::Netns& netns);
// For what passes unrewritten: the addresses of the services are local too.
[[nodiscard]] absl::Status own_services(const testing::Netns& netns);

// Runs `argv` with the path of a file that holds `text` as its last argument; how long it took.
[[nodiscard]] absl::StatusOr<double> load_rules_ms(const testing::Netns& netns,
                                                   std::vector<std::string> argv,
                                                   std::string_view text);

}  // namespace vicinity::bench
