// The same draws in the kernel's BPF machine: slot by slot what the native build chooses.
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <memory>
#include <span>

#include "bpf/select_rows.h"

namespace vicinity::testing {

std::span<const std::byte> select_object();

namespace {

constexpr uint32_t kDrawsPerRun = 4096;

class SelectInKernel : public ::testing::Test {
 protected:
  void SetUp() override {
    const std::span<const std::byte> bytes = select_object();
    object_.reset(bpf_object__open_mem(bytes.data(), bytes.size(), nullptr));
    ASSERT_NE(object_, nullptr);
    ASSERT_EQ(bpf_object__load(object_.get()), 0) << "needs CAP_BPF";
  }

  int map(const char* name) { return bpf_object__find_map_fd_by_name(object_.get(), name); }

  template <class T>
  void store(const char* name, uint32_t index, const T& value) {
    ASSERT_EQ(bpf_map_update_elem(map(name), &index, &value, BPF_ANY), 0) << name;
  }

  // Exchanges the numbers for the slots they choose.
  void run(std::array<uint32_t, kDrawsPerRun>& numbers) {
    for (uint32_t i = 0; i < kDrawsPerRun; ++i) store("test_draws", i, numbers[i]);
    bpf_test_run_opts options = {};
    options.sz = sizeof(options);
    const int program =
        bpf_program__fd(bpf_object__find_program_by_name(object_.get(), "draw_all"));
    ASSERT_EQ(bpf_prog_test_run_opts(program, &options), 0);
    ASSERT_EQ(options.retval, 0u);
    for (uint32_t i = 0; i < kDrawsPerRun; ++i) {
      ASSERT_EQ(bpf_map_lookup_elem(map("test_draws"), &i, &numbers[i]), 0);
    }
  }

  struct Close {
    void operator()(bpf_object* object) const { bpf_object__close(object); }
  };
  std::unique_ptr<bpf_object, Close> object_;
};

struct DrawRequest {
  uint32_t count = 0;
  uint32_t weighted = 0;
};

TEST_F(SelectInKernel, ChoosesWhatTheNativeBuildChooses) {
  std::mt19937 random(7);
  for (const SelectRow& row : select_rows()) {
    const std::vector<vic_alias> aliases = aliases_of(row);
    for (uint32_t i = 0; i < aliases.size(); ++i) store("test_aliases", i, aliases[i]);
    for (const uint32_t weighted : {0u, 1u}) {
      store("test_request", 0,
            DrawRequest{.count = static_cast<uint32_t>(aliases.size()), .weighted = weighted});
      std::array<uint32_t, kDrawsPerRun> numbers{};
      for (uint32_t& number : numbers) number = static_cast<uint32_t>(random());
      numbers[0] = 0;
      numbers[1] = 0xffffffffu;
      std::array<uint32_t, kDrawsPerRun> slots = numbers;
      run(slots);
      for (uint32_t i = 0; i < kDrawsPerRun; ++i) {
        const auto count = static_cast<uint32_t>(aliases.size());
        const uint32_t expected =
            weighted != 0 ? draw(numbers[i], aliases) : vic_draw_slot(numbers[i], count).slot;
        ASSERT_EQ(slots[i], expected) << row.name << " random " << numbers[i];
      }
    }
  }
}

}  // namespace
}  // namespace vicinity::testing
