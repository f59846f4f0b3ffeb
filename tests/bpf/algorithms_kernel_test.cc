// Every algorithm in the kernel's BPF machine: question by question what the native build answers,
// with the same random numbers.
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "bpf/algorithm_rows.h"

namespace vicinity::testing {

std::span<const std::byte> algorithms_object();

namespace {

using policy::Algorithm;

constexpr uint32_t kAsksPerRun = 1024;
constexpr uint32_t kNumbers = 65536;
constexpr uint32_t kSeed = 20251124;

struct Row {
  const char* name;
  policy::AlgorithmSpec spec;
  std::vector<TierRow> tiers;
};

std::vector<uint64_t> shares_of(size_t count, uint64_t first) {
  std::vector<uint64_t> shares(count, 1);
  shares[0] = first;
  return shares;
}

std::vector<Row> rows() {
  const std::vector<TierRow> even = {{.shares = {1, 1, 1, 1, 1}}};
  const std::vector<TierRow> uneven = {{.shares = {1, 2, 5}}};
  const std::vector<TierRow> tiers = {{.load_percent = 60, .shares = {1, 1, 1}},
                                      {.load_percent = 0, .shares = {1}},
                                      {.load_percent = 39, .shares = {1, 2}},
                                      {.load_percent = 1, .shares = {1}}};
  const std::vector<TierRow> many = {{.shares = shares_of(300, 7)}};
  return {
      {"affinity alone", {.affinity_timeout_s = 60}, uneven},
      {"round robin", {.kind = Algorithm::kRoundRobin}, even},
      {"round robin, unequal", {.kind = Algorithm::kRoundRobin}, uneven},
      {"round robin, tiers", {.kind = Algorithm::kRoundRobin}, tiers},
      {"round robin, many", {.kind = Algorithm::kRoundRobin}, many},
      {"maglev", {.kind = Algorithm::kMaglev, .maglev_size = 4099}, even},
      {"maglev, tiers", {.kind = Algorithm::kMaglev, .maglev_size = 251}, tiers},
      {"maglev of halves", {.kind = Algorithm::kMaglev}, many},
      {"ring", {.kind = Algorithm::kRingHash}, uneven},
      {"ring, tiers", {.kind = Algorithm::kRingHash, .ring_min = 64}, tiers},
      {"ring, many", {.kind = Algorithm::kRingHash, .ring_max = 5000}, many},
      {"least request", {.kind = Algorithm::kLeastRequest}, even},
      {"least request of 32", {.kind = Algorithm::kLeastRequest, .choice_count = 32}, even},
      {"least request, unequal", {.kind = Algorithm::kLeastRequest, .bias_permille = 1500}, uneven},
      {"least request, tiers", {.kind = Algorithm::kLeastRequest}, tiers},
      {"least request, many", {.kind = Algorithm::kLeastRequest}, many},
  };
}

class AlgorithmsInKernel : public ::testing::Test {
 protected:
  void SetUp() override {
    const std::span<const std::byte> bytes = algorithms_object();
    object_.reset(bpf_object__open_mem(bytes.data(), bytes.size(), nullptr));
    ASSERT_NE(object_, nullptr);
    ASSERT_EQ(bpf_object__load(object_.get()), 0) << "needs CAP_BPF";
  }

  int map(const char* name) { return bpf_object__find_map_fd_by_name(object_.get(), name); }

  template <class T>
  void store(const char* name, const std::vector<T>& values) {
    for (uint32_t i = 0; i < values.size(); ++i) {
      ASSERT_EQ(bpf_map_update_elem(map(name), &i, &values[i], BPF_ANY), 0) << name << " " << i;
    }
  }

  // Gives the kernel what the native build chooses by.
  void copy_memory() {
    const ChoiceMemory& memory = choice_memory();
    store("test_lines", memory.lines);
    store("test_active", memory.active);
    store("test_aliases", memory.aliases);
    std::vector<uint32_t> numbers(kNumbers);
    std::mt19937 random(kSeed);
    for (uint32_t& number : numbers) number = static_cast<uint32_t>(random());
    store("test_numbers", numbers);
    store("test_taken", std::vector<uint32_t>{0});
  }

  std::vector<vic_choice> answered(std::vector<vic_choice> asks) {
    store("test_asks", asks);
    bpf_test_run_opts options = {};
    options.sz = sizeof(options);
    const int program =
        bpf_program__fd(bpf_object__find_program_by_name(object_.get(), "answer_all"));
    EXPECT_EQ(bpf_prog_test_run_opts(program, &options), 0);
    EXPECT_EQ(options.retval, 0u);
    for (uint32_t i = 0; i < asks.size(); ++i) {
      EXPECT_EQ(bpf_map_lookup_elem(map("test_asks"), &i, &asks[i]), 0);
    }
    return asks;
  }

  struct Close {
    void operator()(bpf_object* object) const { bpf_object__close(object); }
  };
  std::unique_ptr<bpf_object, Close> object_;
};

TEST_F(AlgorithmsInKernel, AnswerWhatTheNativeBuildAnswers) {
  std::mt19937_64 hashes(7);
  for (const Row& row : rows()) {
    SCOPED_TRACE(row.name);
    place(table_of(row.spec, row.tiers));
    ChoiceMemory& memory = choice_memory();
    for (size_t i = 0; i < memory.active.size(); ++i) {
      memory.active[i] = static_cast<uint32_t>(i * 7 % 11);
    }
    copy_memory();
    std::vector<vic_choice> asks(kAsksPerRun);
    for (vic_choice& ask : asks) {
      ask = {.block = kBlock, .family = VIC_FAMILY_IPV4, .hash = hashes(), .weighted = 1};
    }
    asks[0].hash = 0;
    asks[1].hash = UINT64_MAX;
    const std::vector<vic_choice> found = answered(asks);
    memory.random.seed(kSeed);
    for (uint32_t i = 0; i < kAsksPerRun; ++i) {
      ASSERT_EQ(vic_answer(&asks[i]), 0) << i;
      ASSERT_EQ(found[i].block, kBlock) << i;
      ASSERT_EQ(found[i].slot, asks[i].slot) << i;
      ASSERT_EQ(found[i].endpoint, asks[i].endpoint) << i;
    }
  }
}

// A block that is none is no answer, and nothing is read outside of the maps.
TEST_F(AlgorithmsInKernel, NonsenseIsNoAnswer) {
  std::vector<vic_choice> asks(kAsksPerRun);
  for (vic_choice& ask : asks) ask = {.block = 0x7fffffff, .family = VIC_FAMILY_IPV4};
  for (const vic_choice& one : answered(asks)) ASSERT_EQ(one.block, 0u);
}

}  // namespace
}  // namespace vicinity::testing
