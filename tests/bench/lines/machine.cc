#include "bench/lines/machine.h"

#include <bpf/bpf.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <utility>

#include "base/status.h"
#include "support/wait.h"

namespace vicinity::bench {
namespace {

constexpr size_t kStack = 512;
constexpr size_t kMostFrames = 8;
constexpr uint64_t kLine = 64;
constexpr uint64_t kPage = 4096;
constexpr uint64_t kMostInstructions = 100'000;
constexpr int kStackPointer = 10;

size_t rounded_up(size_t bytes, size_t to) { return (bytes + to - 1) / to * to; }

bool is_wide(const bpf_insn& instruction) {
  return (instruction.code & 0x07) == BPF_ALU64 || (instruction.code & 0x07) == BPF_JMP;
}

size_t size_of(uint8_t code) {
  switch (BPF_SIZE(code)) {
    case BPF_B:
      return 1;
    case BPF_H:
      return 2;
    case BPF_W:
      return 4;
    default:
      return 8;
  }
}

struct Operands {
  uint64_t left;
  uint64_t right;
  bool wide;
};

int64_t signed_of(uint64_t value, bool wide) {
  return wide ? static_cast<int64_t>(value) : static_cast<int32_t>(value);
}

uint64_t arithmetic(uint8_t operation, const Operands& by) {
  const uint64_t shift = by.right & (by.wide ? 63 : 31);
  switch (operation) {
    case BPF_ADD:
      return by.left + by.right;
    case BPF_SUB:
      return by.left - by.right;
    case BPF_MUL:
      return by.left * by.right;
    case BPF_DIV:
      return by.right == 0 ? 0 : by.left / by.right;
    case BPF_MOD:
      return by.right == 0 ? by.left : by.left % by.right;
    case BPF_OR:
      return by.left | by.right;
    case BPF_AND:
      return by.left & by.right;
    case BPF_XOR:
      return by.left ^ by.right;
    case BPF_LSH:
      return by.left << shift;
    case BPF_RSH:
      return by.left >> shift;
    case BPF_ARSH:
      return static_cast<uint64_t>(signed_of(by.left, by.wide) >> shift);
    case BPF_NEG:
      return -by.left;
    default:  // BPF_MOV
      return by.right;
  }
}

bool holds(uint8_t operation, const Operands& of) {
  const int64_t left = signed_of(of.left, of.wide);
  const int64_t right = signed_of(of.right, of.wide);
  switch (operation) {
    case BPF_JA:
      return true;
    case BPF_JEQ:
      return of.left == of.right;
    case BPF_JNE:
      return of.left != of.right;
    case BPF_JGT:
      return of.left > of.right;
    case BPF_JGE:
      return of.left >= of.right;
    case BPF_JLT:
      return of.left < of.right;
    case BPF_JLE:
      return of.left <= of.right;
    case BPF_JSET:
      return (of.left & of.right) != 0;
    case BPF_JSGT:
      return left > right;
    case BPF_JSGE:
      return left >= right;
    case BPF_JSLT:
      return left < right;
    default:  // BPF_JSLE
      return left <= right;
  }
}

}  // namespace

absl::StatusOr<std::unique_ptr<MapView>> MapView::open(int fd) {
  bpf_map_info info{};
  uint32_t length = sizeof(info);
  if (bpf_obj_get_info_by_fd(fd, &info, &length) != 0) return base::errno_status("map: look at it");
  std::unique_ptr<MapView> view(new MapView);
  view->name_ = info.name;
  view->type_ = static_cast<bpf_map_type>(info.type);
  view->fd_ = base::UniqueFd(dup(fd));
  view->stride_ = rounded_up(info.value_size, 8);
  view->entries_ = info.max_entries;
  const bool is_array = info.type == BPF_MAP_TYPE_ARRAY || info.type == BPF_MAP_TYPE_PERCPU_ARRAY;
  if (!is_array) return view;
  view->bytes_ = rounded_up(view->stride_ * view->entries_, kPage);
  const bool is_frozen = view->name_.ends_with(".rodata");
  if (info.type == BPF_MAP_TYPE_ARRAY && !is_frozen && (info.map_flags & BPF_F_MMAPABLE) != 0) {
    void* data =
        mmap(nullptr, view->bytes_, PROT_READ | PROT_WRITE, MAP_SHARED, view->fd_.get(), 0);
    if (data == MAP_FAILED) return base::errno_status(view->name_ + ": map");
    view->data_ = static_cast<std::byte*>(data);
    view->mapped_ = true;
    return view;
  }
  // One CPU's part, or frozen values: a copy, of which lines are lines too.
  view->copy_.resize(view->bytes_ + kPage);
  const uint64_t start = rounded_up(reinterpret_cast<uint64_t>(view->copy_.data()), kPage);
  view->data_ = reinterpret_cast<std::byte*>(start);
  if (info.type == BPF_MAP_TYPE_PERCPU_ARRAY) return view;
  const uint32_t first = 0;
  if (bpf_map_lookup_elem(view->fd_.get(), &first, view->data_) != 0) {
    return base::errno_status(view->name_ + ": read");
  }
  return view;
}

MapView::~MapView() {
  if (mapped_) munmap(data_, bytes_);
}

void* MapView::lookup(const void* key) {
  if (data_ == nullptr) {
    copy_.resize(stride_);
    return bpf_map_lookup_elem(fd_.get(), key, copy_.data()) == 0 ? copy_.data() : nullptr;
  }
  uint32_t index = 0;
  std::memcpy(&index, key, sizeof(index));
  return index < entries_ ? data_ + index * stride_ : nullptr;
}

bool MapView::holds(uint64_t address) const {
  return data_ != nullptr && address - reinterpret_cast<uint64_t>(data_) < bytes_;
}

// What is frozen is no memory to the kernel: the verifier puts its values into the instructions.
void Machine::note(uint64_t address) {
  for (const auto& [fd, map] : maps_) {
    if (!map->holds(address) || map->name().ends_with(".rodata")) continue;
    touched_.lines.insert({map->name(), map->offset(address) / kLine});
    touched_.pages.insert({map->name(), map->offset(address) / kPage});
  }
}

absl::Status Machine::load_wide(const bpf_insn& instruction) {
  const bpf_insn& high = program_[at_++];
  uint64_t value = static_cast<uint32_t>(instruction.imm) |
                   static_cast<uint64_t>(static_cast<uint32_t>(high.imm)) << 32;
  const bool is_map = instruction.src_reg == BPF_PSEUDO_MAP_FD;
  if (is_map || instruction.src_reg == BPF_PSEUDO_MAP_VALUE) {
    const auto found = maps_.find(instruction.imm);
    if (found == maps_.end()) return base::internal("instruction {}: an unknown map", at_ - 2);
    value = is_map ? reinterpret_cast<uint64_t>(found->second)
                   : reinterpret_cast<uint64_t>(found->second->data()) +
                         static_cast<uint32_t>(high.imm);
  } else if (instruction.src_reg != 0) {
    return base::internal("instruction {}: a constant of kind {}", at_ - 2, instruction.src_reg);
  }
  registers_[instruction.dst_reg] = value;
  return absl::OkStatus();
}

absl::Status Machine::swap_bytes(const bpf_insn& instruction) {
  uint64_t& value = registers_[instruction.dst_reg];
  const bool to_big = BPF_SRC(instruction.code) == BPF_TO_BE;
  switch (instruction.imm) {
    case 16:
      value = to_big ? __builtin_bswap16(static_cast<uint16_t>(value)) : value & 0xffff;
      return absl::OkStatus();
    case 32:
      value = to_big ? __builtin_bswap32(static_cast<uint32_t>(value)) : value & 0xffffffff;
      return absl::OkStatus();
    default:
      if (to_big) value = __builtin_bswap64(value);
      return absl::OkStatus();
  }
}

absl::Status Machine::calculate(const bpf_insn& instruction) {
  const uint8_t operation = BPF_OP(instruction.code);
  if (operation == BPF_END) return swap_bytes(instruction);
  Operands by = {.left = registers_[instruction.dst_reg],
                 .right = BPF_SRC(instruction.code) == BPF_X
                              ? registers_[instruction.src_reg]
                              : static_cast<uint64_t>(int64_t{instruction.imm}),
                 .wide = is_wide(instruction)};
  if (!by.wide) {
    by.left = static_cast<uint32_t>(by.left);
    by.right = static_cast<uint32_t>(by.right);
  }
  const uint64_t result = arithmetic(operation, by);
  registers_[instruction.dst_reg] = by.wide ? result : static_cast<uint32_t>(result);
  return absl::OkStatus();
}

void Machine::move_memory(const bpf_insn& instruction) {
  const size_t size = size_of(instruction.code);
  const auto offset = static_cast<uint64_t>(int64_t{instruction.off});
  if (BPF_CLASS(instruction.code) == BPF_LDX) {
    const uint64_t address = registers_[instruction.src_reg] + offset;
    note(address);
    uint64_t value = 0;
    std::memcpy(&value, reinterpret_cast<const void*>(address), size);
    registers_[instruction.dst_reg] = value;
    return;
  }
  const uint64_t address = registers_[instruction.dst_reg] + offset;
  note(address);
  const uint64_t value = BPF_CLASS(instruction.code) == BPF_ST
                             ? static_cast<uint64_t>(int64_t{instruction.imm})
                             : registers_[instruction.src_reg];
  std::memcpy(reinterpret_cast<void*>(address), &value, size);
}

absl::Status Machine::add_atomically(const bpf_insn& instruction) {
  if (instruction.imm != BPF_ADD) return base::internal("atomic operation {}", instruction.imm);
  const uint64_t address =
      registers_[instruction.dst_reg] + static_cast<uint64_t>(int64_t{instruction.off});
  note(address);
  uint64_t value = 0;
  std::memcpy(&value, reinterpret_cast<const void*>(address), size_of(instruction.code));
  value += registers_[instruction.src_reg];
  std::memcpy(reinterpret_cast<void*>(address), &value, size_of(instruction.code));
  return absl::OkStatus();
}

absl::Status Machine::help(int32_t function) {
  switch (function) {
    case BPF_FUNC_map_lookup_elem:
      registers_[0] =
          reinterpret_cast<uint64_t>(reinterpret_cast<MapView*>(registers_[1])
                                         ->lookup(reinterpret_cast<const void*>(registers_[2])));
      return absl::OkStatus();
    case BPF_FUNC_get_prandom_u32:
      registers_[0] = random_();
      return absl::OkStatus();
    case BPF_FUNC_ktime_get_coarse_ns:
    case BPF_FUNC_ktime_get_ns:
      registers_[0] = static_cast<uint64_t>(testing::monotonic_ns());
      return absl::OkStatus();
    case BPF_FUNC_get_current_task_btf:
      registers_[0] = reinterpret_cast<uint64_t>(task_.data());
      return absl::OkStatus();
    case BPF_FUNC_jiffies64:  // before the end of every lease
    case BPF_FUNC_get_smp_processor_id:
    case BPF_FUNC_get_current_pid_tgid:
    case BPF_FUNC_get_netns_cookie:
    case BPF_FUNC_set_retval:
      registers_[0] = 0;
      return absl::OkStatus();
    default:
      return base::internal("helper {}: not known", function);
  }
}

absl::Status Machine::call(const bpf_insn& instruction) {
  if (instruction.src_reg == 0) return help(instruction.imm);
  if (instruction.src_reg != BPF_PSEUDO_CALL) {
    return base::internal("call of kind {}", instruction.src_reg);
  }
  if (frames_.size() + 1 == kMostFrames) return base::internal("too many calls");
  Frame frame{.saved = {}, .back = at_};
  std::memcpy(frame.saved, &registers_[6], sizeof(frame.saved));
  frames_.push_back(frame);
  registers_[kStackPointer] += kStack;
  at_ = static_cast<size_t>(static_cast<int64_t>(at_) + instruction.imm);
  return absl::OkStatus();
}

void Machine::leave() {
  if (frames_.empty()) {
    done_ = true;
    return;
  }
  std::memcpy(&registers_[6], frames_.back().saved, sizeof(frames_.back().saved));
  at_ = frames_.back().back;
  frames_.pop_back();
}

absl::Status Machine::jump(const bpf_insn& instruction) {
  const uint8_t operation = BPF_OP(instruction.code);
  if (operation == BPF_CALL) return call(instruction);
  if (operation == BPF_EXIT) {
    leave();
    return absl::OkStatus();
  }
  Operands of = {.left = registers_[instruction.dst_reg],
                 .right = BPF_SRC(instruction.code) == BPF_X
                              ? registers_[instruction.src_reg]
                              : static_cast<uint64_t>(int64_t{instruction.imm}),
                 .wide = is_wide(instruction)};
  if (!of.wide) {
    of.left = static_cast<uint32_t>(of.left);
    of.right = static_cast<uint32_t>(of.right);
  }
  if (holds(operation, of)) at_ = static_cast<size_t>(static_cast<int64_t>(at_) + instruction.off);
  return absl::OkStatus();
}

absl::Status Machine::step(const bpf_insn& instruction) {
  switch (BPF_CLASS(instruction.code)) {
    case BPF_LD:
      return load_wide(instruction);
    case BPF_ALU:
    case BPF_ALU64:
      return calculate(instruction);
    case BPF_JMP:
    case BPF_JMP32:
      return jump(instruction);
    default:
      if (BPF_MODE(instruction.code) == BPF_ATOMIC) return add_atomically(instruction);
      move_memory(instruction);
      return absl::OkStatus();
  }
}

absl::StatusOr<Ran> Machine::run(bpf_sock_addr& context) {
  stack_.assign(kStack * kMostFrames, std::byte{0});
  registers_[1] = reinterpret_cast<uint64_t>(&context);
  registers_[kStackPointer] = reinterpret_cast<uint64_t>(stack_.data()) + kStack;
  at_ = 0;
  done_ = false;
  frames_.clear();
  touched_ = {};
  while (!done_) {
    if (at_ >= program_.size() || ++touched_.instructions > kMostInstructions) {
      return base::internal("the program has no end");
    }
    VIC_RETURN_IF_ERROR(step(program_[at_++]));
  }
  return Ran{.result = registers_[0], .touched = std::move(touched_)};
}

}  // namespace vicinity::bench
