// What loading the hooks costs: the instructions that the kernel follows to verify them. A program
// over its budget has a path that multiplied; bpf/once.h says how such code is written. And their
// stack, as the oldest kernel counts it: a newer one, which rounds less, would take more.
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <bitset>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/links.h"
#include "dataplane/object.h"
#include "support/gtest_support.h"

namespace vicinity::testing {
namespace {

// Of one program, and of all together. A second of loading is some 700,000.
constexpr uint32_t kOneProgram = 45'000;
constexpr uint32_t kAllPrograms = 120'000;

// Everything that an option can switch on.
dataplane::LoadPlan whole_plan() {
  dataplane::LoadPlan plan;
  plan.sizes = {.records = 16, .choice_lines = 16, .affinities = 16, .watched = 16, .families = {}};
  for (auto& family : plan.sizes.families)
    family = {.plain_slots = 64, .aliased_slots = 64, .buckets = 4};
  plan.probe_port = 1;
  plan.host_netns = 1;
  plan.records = {.tcp = true,
                  .mptcp = dataplane::kernel_tells_mptcp(),
                  .peer_names = 3,
                  .destroy = dataplane::kernel_destroys_sockets()};
  return plan;
}

std::vector<std::string> programs_of(const dataplane::LoadPlan& plan) {
  std::vector<std::string> names = {"vic_retire", "vic_count_active", "vic_set_state",
                                    "vic_error_report"};
  for (const dataplane::Hook& hook : dataplane::hooks()) names.emplace_back(hook.program);
  if (plan.records.destroy) names.insert(names.end(), {"vic_destroy_tcp", "vic_destroy_udp"});
  return names;
}

uint32_t verified(const dataplane::Object& object, std::string_view program) {
  bpf_prog_info info = {};
  uint32_t size = sizeof(info);
  EXPECT_EQ(bpf_obj_get_info_by_fd(object.program_fd(program), &info, &size), 0) << program;
  return info.verified_insns;
}

struct Close {
  void operator()(bpf_object* object) const { bpf_object__close(object); }
};

// Who calls whom, and how much of the stack each function uses.
class CallGraph {
 public:
  explicit CallGraph(std::span<const bpf_insn> instructions) {
    functions_[0] = {};
    for (size_t i = 0; i < instructions.size(); ++i) {
      if (is_call(instructions[i])) functions_[target(instructions[i], i)] = {};
    }
    for (size_t i = 0; i < instructions.size(); ++i) {
      Function& function = std::prev(functions_.upper_bound(i))->second;
      if (is_call(instructions[i])) function.calls.insert(target(instructions[i], i));
      note_stack(instructions[i], function);
    }
  }

  // Bytes, each frame rounded up to 32 as 6.1 does.
  [[nodiscard]] int deepest(size_t function = 0) const {
    const Function& from = functions_.at(function);
    int below = 0;
    for (const size_t call : from.calls) below = std::max(below, deepest(call));
    return (std::max(from.stack, 1) + 31) / 32 * 32 + below;
  }

 private:
  struct Function {
    int stack = 0;
    std::set<size_t> calls;
    std::bitset<16> frame;  // registers that were made from the frame's
  };

  static bool is_call(const bpf_insn& one) {
    return one.code == (BPF_JMP | BPF_CALL) && one.src_reg == BPF_PSEUDO_CALL;
  }
  static size_t target(const bpf_insn& one, size_t index) {
    return index + 1 + static_cast<size_t>(one.imm);
  }

  static void note_stack(const bpf_insn& one, Function& function) {
    const int kind = BPF_CLASS(one.code);
    const bool loads = kind == BPF_LDX && one.src_reg == BPF_REG_10;
    const bool stores = (kind == BPF_ST || kind == BPF_STX) && one.dst_reg == BPF_REG_10;
    if (loads || stores) function.stack = std::max(function.stack, -int{one.off});
    const bool moves = one.code == (BPF_ALU64 | BPF_ADD | BPF_K) && function.frame[one.dst_reg];
    if (moves) function.stack = std::max(function.stack, -one.imm);
    const bool writes = kind == BPF_ALU || kind == BPF_ALU64 || kind == BPF_LDX || kind == BPF_LD;
    if (writes && !moves) {
      function.frame[one.dst_reg] =
          one.code == (BPF_ALU64 | BPF_MOV | BPF_X) && one.src_reg == BPF_REG_10;
    }
    if (one.code == (BPF_JMP | BPF_CALL)) function.frame &= ~0x3f;  // the caller's own registers
  }

  std::map<size_t, Function> functions_;  // by their first instruction
};

// Whatever the options: nothing is left out yet of what libbpf hands to the kernel.
TEST(BudgetTest, TheStackOfTheHooksIsEnoughForTheOldestKernel) {
  VICINITY_ROOT_OR_FAIL();
  constexpr int kStack = 512;
  const std::span<const std::byte> bytes = dataplane::bpf_object_bytes();
  const std::unique_ptr<bpf_object, Close> object(
      bpf_object__open_mem(bytes.data(), bytes.size(), nullptr));
  ASSERT_NE(object, nullptr);
  ASSERT_EQ(bpf_object__load(object.get()), 0);
  std::map<std::string_view, int> deepest;
  bpf_program* program = nullptr;
  bpf_object__for_each_program(program, object.get()) {
    const std::string_view name = bpf_program__name(program);
    const std::span instructions(bpf_program__insns(program), bpf_program__insn_cnt(program));
    deepest[name] = CallGraph(instructions).deepest();
    fmt::print("{:<20} {:>4} bytes of stack\n", name, deepest[name]);
    EXPECT_LE(deepest[name], kStack) << name;
  }
  EXPECT_GT(deepest["vic_connect6"], kStack / 2) << "calls are not seen";
}

TEST(BudgetTest, VerifyingTheHooksIsQuick) {
  VICINITY_ROOT_OR_FAIL();
  const dataplane::LoadPlan plan = whole_plan();
  VICINITY_ASSERT_OK_AND_ASSIGN(const auto object, dataplane::Object::load(plan));
  uint32_t all = 0;
  for (const std::string& program : programs_of(plan)) {
    const uint32_t one = verified(object, program);
    fmt::print("{:<20} {:>6} instructions verified\n", program, one);
    EXPECT_GT(one, 0u) << program;
    EXPECT_LE(one, kOneProgram) << program;
    all += one;
  }
  EXPECT_LE(all, kAllPrograms);
}

}  // namespace
}  // namespace vicinity::testing
