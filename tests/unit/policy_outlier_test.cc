// The parameters of outlier detection: defaults, what is allowed, how many may be out, how they
// read.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "policy/outlier.h"

namespace vicinity::testing {
namespace {

using policy::OutlierSpec;

struct CheckRow {
  OutlierSpec spec;
  std::string error;  // part of the message; empty: allowed
};

TEST(OutlierSpec, SaysWhatIsNotPossible) {
  const std::vector<CheckRow> rows = {
      {{}, ""},
      {policy::conservative_outlier(), ""},
      {{.max_ejection_percent = 101}, "max_ejection_percent 101: 0 to 100"},
      {{.consecutive_5xx = {.failures = 1, .enforced_percent = 101}},
       "consecutive_5xx enforcement"},
      {{.interval_ms = 0}, "interval 0"},
      {{.base_ejection_ms = 2000, .max_ejection_ms = 1500}, "longest ejection 1.5s: at least"},
  };
  for (const CheckRow& row : rows) {
    const absl::Status status = policy::check(row.spec);
    EXPECT_EQ(status.ok(), row.error.empty()) << status;
    EXPECT_NE(status.ToString().find(row.error), std::string::npos) << status;
  }
}

struct CapRow {
  uint32_t percent;
  bool at_least_one;
  uint32_t endpoints;
  uint32_t most;
};

TEST(OutlierSpec, CapsTheEjectedByTheWholeService) {
  const std::vector<CapRow> rows = {
      {10, false, 5, 0},  {10, false, 9, 0}, {10, false, 10, 1}, {10, false, 19, 1},
      {10, true, 5, 1},   {10, true, 30, 3}, {100, false, 3, 3}, {0, true, 3, 1},
      {0, false, 300, 0}, {33, false, 3, 0}, {34, false, 3, 1},  {10, true, 0, 0},
      {200, false, 3, 3},
  };
  for (const CapRow& row : rows) {
    OutlierSpec spec;
    spec.max_ejection_percent = row.percent;
    spec.always_eject_one = row.at_least_one;
    EXPECT_EQ(policy::most_ejected(spec, row.endpoints), row.most)
        << row.percent << "% of " << row.endpoints;
  }
}

TEST(OutlierSpec, ReadsAsWhatItDoes) {
  OutlierSpec spec;
  EXPECT_EQ(policy::to_text(spec),
            "errors=5 success_rate=1.9 interval=10s ejection=30s..300s max=10% hook refused=1 "
            "timeouts=3");
  spec.hook = {.refused_in_row = 0, .timeouts_in_row = 0};
  spec.split_local_origin = true;
  spec.interval_ms = 1500;
  spec.failure_percentage.enforced_percent = 100;
  EXPECT_EQ(policy::to_text(spec),
            "errors=5 local_origin=5 success_rate=1.9 failure_percentage=85% interval=1.5s "
            "ejection=30s..300s max=10%");
  EXPECT_EQ(policy::to_text(policy::conservative_outlier()),
            "local_origin=5 interval=10s ejection=30s..300s max=50% at_least_one hook refused=1 "
            "timeouts=3");
}

}  // namespace
}  // namespace vicinity::testing
