// The traces of this node's kernel: the maps of include/vicinity/abi_trace.h, the flag that every
// hook reads, and the callbacks' attachment, which goes with the daemon. Control thread.
#pragma once

#include <absl/status/statusor.h>
#include <vicinity/abi.h>

#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "dataplane/mapped_map.h"
#include "dataplane/object.h"
#include "dataplane/traces.h"

struct ring_buffer;

namespace vicinity::dataplane {

class KernelTraces final : public Traces {
 public:
  // The lines that hooks read, as they are at the time of the call.
  using ConfigOf = std::function<std::span<vic_config>()>;

  // Descriptors of its own: later generations take its maps over, so it outlives them all.
  [[nodiscard]] static absl::StatusOr<std::unique_ptr<KernelTraces>> open(const Object& object,
                                                                          const std::string& cgroup,
                                                                          ConfigOf config);
  KernelTraces(const KernelTraces&) = delete;
  KernelTraces& operator=(const KernelTraces&) = delete;

  [[nodiscard]] absl::Status keep_on(absl::Duration time) override;
  void turn_off() override;
  [[nodiscard]] std::vector<Traced> take() override;
  [[nodiscard]] uint64_t lost() const override;

  // For the next generation.
  [[nodiscard]] std::map<std::string, int> maps() const;

 private:
  KernelTraces(std::string cgroup, ConfigOf config)
      : cgroup_(std::move(cgroup)), config_(std::move(config)) {}
  [[nodiscard]] absl::Status attach();
  static int on_trace(void* self, void* data, size_t size);

  struct Free {
    void operator()(ring_buffer* ring) const;
  };
  std::string cgroup_;
  ConfigOf config_;
  base::UniqueFd traces_;
  base::UniqueFd state_;
  base::UniqueFd program_;
  base::UniqueFd link_;  // of the callbacks, while tracing
  MappedMap memory_;
  std::unique_ptr<ring_buffer, Free> ring_;
  std::vector<Traced> taken_;
  absl::Time boot_;  // what CLOCK_MONOTONIC counts from
};

}  // namespace vicinity::dataplane
