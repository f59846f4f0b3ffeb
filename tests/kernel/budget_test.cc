// What loading the hooks costs: the instructions that the kernel follows to verify them. A program
// over its budget has a path that multiplied; bpf/once.h says how such code is written.
#include <bpf/bpf.h>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <map>
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
