// What this kernel has of what the programs use, found by trying, never by version. What is needed
// makes opening fail by name; what is not costs the one thing that its row names. Any thread.
#pragma once

#include <absl/status/status.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace vicinity::dataplane {

struct Feature {
  std::string name;
  bool present = false;
  std::string without;  // what is missing, or done otherwise, without it
  bool operator==(const Feature&) const = default;
};

struct Features {
  std::string kernel;             // release, as uname says
  std::vector<Feature> features;  // in the order of the table in features.cc
  bool operator==(const Features&) const = default;
};

// How the kernel is asked; kernel_features() has the real one.
class Prober {
 public:
  virtual ~Prober() = default;
  // Numbers of linux/bpf.h: enum bpf_prog_type, bpf_map_type, bpf_func_id.
  [[nodiscard]] virtual bool has_program_type(int type) const = 0;
  [[nodiscard]] virtual bool has_map_type(int type) const = 0;
  [[nodiscard]] virtual bool has_helper(int program_type, int helper) const = 0;
  // A function that programs may call or attach to, by the kernel's BTF.
  [[nodiscard]] virtual bool has_function(std::string_view name) const = 0;
  [[nodiscard]] virtual bool has_btf() const = 0;
  [[nodiscard]] virtual std::string release() const = 0;
};
[[nodiscard]] Features probe_features(const Prober& prober);
// What this kernel answers, asked once: loads small programs, so it needs what loading needs
// (CAP_BPF and CAP_NET_ADMIN).
[[nodiscard]] const Features& kernel_features();
// False also for a name that is not in the table.
[[nodiscard]] bool has(const Features& features, std::string_view name);
// "kernel 5.4.0: ...: kernel 6.1 or later is needed", naming all that is missing of what is needed.
[[nodiscard]] absl::Status check_needed(const Features& features);

}  // namespace vicinity::dataplane
