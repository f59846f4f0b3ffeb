// Runs a BPF program's instructions in user space, over the memory of the maps that a data plane
// has in use, and notes which cache lines and pages of them it touches. What it knows is what the
// connect hooks need. Not thread-safe.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <linux/bpf.h>

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "base/unique_fd.h"

namespace vicinity::bench {

// A map in use, or its copy where it cannot be mapped.
class MapView {
 public:
  [[nodiscard]] static absl::StatusOr<std::unique_ptr<MapView>> open(int fd);
  ~MapView();
  MapView(const MapView&) = delete;
  MapView& operator=(const MapView&) = delete;

  [[nodiscard]] const std::string& name() const { return name_; }
  // What the helper of that name returns.
  [[nodiscard]] void* lookup(const void* key);
  [[nodiscard]] std::byte* data() { return data_; }
  [[nodiscard]] bool holds(uint64_t address) const;
  [[nodiscard]] uint64_t offset(uint64_t address) const {
    return address - reinterpret_cast<uint64_t>(data_);
  }

 private:
  MapView() = default;
  std::string name_;
  bpf_map_type type_ = BPF_MAP_TYPE_UNSPEC;
  base::UniqueFd fd_;
  size_t stride_ = 0;
  size_t entries_ = 0;
  std::byte* data_ = nullptr;
  size_t bytes_ = 0;
  bool mapped_ = false;
  std::vector<std::byte> copy_;
};

struct Place {
  std::string map;
  uint64_t number = 0;  // of the line, or of the page
  auto operator<=>(const Place&) const = default;
};

struct Touched {
  std::set<Place> lines;
  std::set<Place> pages;
  uint64_t instructions = 0;
};

struct Ran {
  uint64_t result = 0;
  Touched touched;
};

class Machine {
 public:
  // `maps`: by the descriptors that the instructions have. `random` answers bpf_get_prandom_u32.
  Machine(std::span<const bpf_insn> program, std::map<int, MapView*> maps,
          std::function<uint32_t()> random)
      : program_(program), maps_(std::move(maps)), random_(std::move(random)) {}

  // Error: an instruction or a helper that it does not know.
  [[nodiscard]] absl::StatusOr<Ran> run(bpf_sock_addr& context);

 private:
  struct Frame {
    uint64_t saved[5];  // r6 to r10
    size_t back = 0;
  };

  [[nodiscard]] absl::Status step(const bpf_insn& instruction);
  [[nodiscard]] absl::Status load_wide(const bpf_insn& instruction);
  [[nodiscard]] absl::Status calculate(const bpf_insn& instruction);
  [[nodiscard]] absl::Status jump(const bpf_insn& instruction);
  [[nodiscard]] absl::Status call(const bpf_insn& instruction);
  [[nodiscard]] absl::Status help(int32_t function);
  [[nodiscard]] absl::Status swap_bytes(const bpf_insn& instruction);
  [[nodiscard]] absl::Status add_atomically(const bpf_insn& instruction);
  void move_memory(const bpf_insn& instruction);
  void leave();
  void note(uint64_t address);

  std::span<const bpf_insn> program_;
  std::map<int, MapView*> maps_;
  std::function<uint32_t()> random_;
  std::vector<std::byte> task_ = std::vector<std::byte>(1 << 15);  // a task that has no flags
  uint64_t registers_[11] = {};
  size_t at_ = 0;
  bool done_ = false;
  std::vector<Frame> frames_;
  std::vector<std::byte> stack_;
  Touched touched_;
};

}  // namespace vicinity::bench
