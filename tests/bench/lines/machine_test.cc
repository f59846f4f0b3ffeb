// The machine that counts lines: it calculates as the kernel does, and counts what was touched.
#include "bench/lines/machine.h"

#include <bpf/bpf.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <memory>
#include <vector>

#include "support/gtest_support.h"

namespace vicinity::bench {
namespace {

using Program = std::vector<bpf_insn>;

constexpr uint32_t kEntries = 1024;

bpf_insn immediate(uint8_t operation, uint8_t to, int32_t value) {
  return {.code = static_cast<uint8_t>(BPF_ALU64 | operation | BPF_K), .dst_reg = to, .imm = value};
}

bpf_insn copy(uint8_t to, uint8_t from) {
  return {.code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = to, .src_reg = from};
}

constexpr bpf_insn kExit = {.code = BPF_JMP | BPF_EXIT};

class Machines : public ::testing::Test {
 protected:
  void SetUp() override {
    VICINITY_ROOT_OR_FAIL();
    const bpf_map_create_opts options = {.sz = sizeof(options), .map_flags = BPF_F_MMAPABLE};
    fd_ = base::UniqueFd(bpf_map_create(BPF_MAP_TYPE_ARRAY, "words", 4, 8, kEntries, &options));
    ASSERT_TRUE(fd_.valid());
    VICINITY_ASSERT_OK_AND_ASSIGN(map_, MapView::open(fd_.get()));
  }

  Ran run(const Program& program) {
    Machine machine(program, {{fd_.get(), map_.get()}}, [] { return 0; });
    bpf_sock_addr context{};
    context.user_ip4 = 0x01020304;
    const absl::StatusOr<Ran> ran = machine.run(context);
    EXPECT_TRUE(ran.ok()) << ran.status();
    return ran.ok() ? *ran : Ran{};
  }

  // r6 = the element; what the map does not have ends the program with 7.
  void look_up(Program& program, int32_t index) const {
    const std::array<bpf_insn, 9> lookup = {
        {{.code = BPF_ST | BPF_MEM | BPF_W, .dst_reg = 10, .off = -4, .imm = index},
         copy(2, 10),
         immediate(BPF_ADD, 2, -4),
         {.code = BPF_LD | BPF_IMM | BPF_DW,
          .dst_reg = 1,
          .src_reg = BPF_PSEUDO_MAP_FD,
          .imm = fd_.get()},
         {},
         {.code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_map_lookup_elem},
         {.code = BPF_JMP | BPF_JNE | BPF_K, .dst_reg = 0, .off = 2, .imm = 0},
         immediate(BPF_MOV, 0, 7),
         kExit}};
    program.insert(program.end(), lookup.begin(), lookup.end());
    program.push_back(copy(6, 0));
  }
  // r0 = the element's word.
  static void load(Program& program) {
    program.push_back({.code = BPF_LDX | BPF_MEM | BPF_DW, .dst_reg = 0, .src_reg = 6});
  }

  base::UniqueFd fd_;
  std::unique_ptr<MapView> map_;
};

TEST_F(Machines, WordsOfALineAreOneLine) {
  Program program;
  for (const int32_t index : {0, 7}) {
    look_up(program, index);
    load(program);
  }
  program.push_back(kExit);
  const Ran ran = run(program);
  EXPECT_THAT(ran.touched.lines, ::testing::SizeIs(1));
  EXPECT_THAT(ran.touched.pages, ::testing::SizeIs(1));
}

TEST_F(Machines, WordsApartAreLinesAndPages) {
  Program program;
  for (const int32_t index : {0, 8, 512}) {
    look_up(program, index);
    load(program);
  }
  program.push_back(kExit);
  const Ran ran = run(program);
  EXPECT_THAT(ran.touched.lines,
              ::testing::ElementsAre(Place{"words", 0}, Place{"words", 1}, Place{"words", 64}));
  EXPECT_THAT(ran.touched.pages, ::testing::ElementsAre(Place{"words", 0}, Place{"words", 1}));
}

TEST_F(Machines, LookingUpTouchesNothing) {
  Program program;
  look_up(program, 5);
  program.push_back(immediate(BPF_MOV, 0, 1));
  program.push_back(kExit);
  const Ran ran = run(program);
  EXPECT_EQ(ran.result, 1U);
  EXPECT_TRUE(ran.touched.lines.empty());
}

TEST_F(Machines, WhatIsNotThereIsNull) {
  Program program;
  look_up(program, kEntries);
  program.push_back(kExit);
  EXPECT_EQ(run(program).result, 7U);
}

TEST_F(Machines, AddsInTheMapsOwnMemory) {
  Program program;
  look_up(program, 3);
  program.push_back(immediate(BPF_MOV, 1, 40));
  program.push_back(
      {.code = BPF_STX | BPF_ATOMIC | BPF_DW, .dst_reg = 6, .src_reg = 1, .imm = BPF_ADD});
  load(program);
  program.push_back(kExit);
  EXPECT_EQ(run(program).result, 40U);
  const uint32_t index = 3;
  uint64_t value = 0;
  ASSERT_EQ(bpf_map_lookup_elem(fd_.get(), &index, &value), 0);
  EXPECT_EQ(value, 40U);
}

TEST_F(Machines, NarrowArithmeticWrapsAndClears) {
  EXPECT_EQ(run({immediate(BPF_MOV, 0, -1),
                 {.code = BPF_ALU | BPF_ADD | BPF_K, .dst_reg = 0, .imm = 2},
                 kExit})
                .result,
            1U);
  EXPECT_EQ(run({immediate(BPF_MOV, 0, -8), immediate(BPF_ARSH, 0, 1), kExit}).result,
            static_cast<uint64_t>(-4));
  EXPECT_EQ(run({immediate(BPF_MOV, 0, 0x0102),
                 {.code = BPF_ALU | BPF_END | BPF_TO_BE, .dst_reg = 0, .imm = 16},
                 kExit})
                .result,
            0x0201U);
}

// The other function has a stack and registers of its own from r6 on.
TEST_F(Machines, CallsKeepWhatIsTheCallers) {
  EXPECT_EQ(run({immediate(BPF_MOV, 6, 5),
                 {.code = BPF_STX | BPF_MEM | BPF_DW, .dst_reg = 10, .src_reg = 6, .off = -8},
                 {.code = BPF_JMP | BPF_CALL, .src_reg = BPF_PSEUDO_CALL, .imm = 3},
                 {.code = BPF_LDX | BPF_MEM | BPF_DW, .dst_reg = 1, .src_reg = 10, .off = -8},
                 {.code = BPF_ALU64 | BPF_ADD | BPF_X, .dst_reg = 0, .src_reg = 1},
                 kExit,
                 immediate(BPF_MOV, 6, 100),
                 {.code = BPF_STX | BPF_MEM | BPF_DW, .dst_reg = 10, .src_reg = 6, .off = -8},
                 copy(0, 6),
                 kExit})
                .result,
            105U);
}

TEST_F(Machines, WhatItDoesNotKnowIsAnError) {
  const Program program = {{.code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_tail_call}, kExit};
  Machine machine(program, {}, [] { return 0; });
  bpf_sock_addr context{};
  EXPECT_FALSE(machine.run(context).ok());
}

TEST_F(Machines, ALoopWithoutEndIsAnError) {
  const Program program = {{.code = BPF_JMP | BPF_JA, .off = -1}};
  Machine machine(program, {}, [] { return 0; });
  bpf_sock_addr context{};
  EXPECT_FALSE(machine.run(context).ok());
}

}  // namespace
}  // namespace vicinity::bench
