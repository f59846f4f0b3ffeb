// The vectors about outlier detection, of tests/data/vectors.yaml and the shared collection: how
// long an ejection lasts, how many there can be.
#include <gtest/gtest.h>

#include <vector>

#include "unit/health_rows.h"
#include "unit/vectors_case.h"

namespace vicinity::testing {
namespace {

template <class T>
T value_or(const YAML::Node& node, const char* key, T otherwise) {
  return node[key] ? node[key].as<T>() : otherwise;
}

class OutlierDurationVector : public ::testing::TestWithParam<VectorCase> {};

TEST_P(OutlierDurationVector, Lasts) {
  SCOPED_TRACE(GetParam().says);
  const YAML::Node given = GetParam().body["given"];
  policy::OutlierSpec spec;
  spec.base_ejection_ms = value_or<uint32_t>(given, "base_s", 30) * 1000;
  spec.max_ejection_ms = value_or<uint32_t>(given, "max_s", 300) * 1000;
  spec.interval_ms = value_or<uint32_t>(given, "interval_s", 10) * 1000;
  spec.max_ejection_percent = 100;
  Ward ward(spec, 1);
  std::vector<int64_t> lasted;
  for (const YAML::Node& step : given["steps"]) {
    if (step.IsMap()) {
      ward.pass(step["healthy_intervals"].as<int>() * absl::Milliseconds(spec.interval_ms));
      continue;
    }
    ASSERT_EQ(step.as<std::string>(), "eject");
    ASSERT_TRUE(ward.ejects(0, {.failed = 5, .failed_in_row = 5}));
    lasted.push_back(absl::ToInt64Seconds(ward.detector().ejection(0)->until - ward.now()));
    ward.time_out(0);
  }
  EXPECT_EQ(lasted, GetParam().body["then"]["ejection_s"].as<std::vector<int64_t>>());
}

const std::set<std::string> kDurations = {"envoy_outlier_duration"};
INSTANTIATE_TEST_SUITE_P(Own, OutlierDurationVector,
                         ::testing::ValuesIn(of_kinds(own_cases(), kDurations)), case_name);
INSTANTIATE_TEST_SUITE_P(Shared, OutlierDurationVector,
                         ::testing::ValuesIn(of_kinds(shared_cases(), kDurations)), case_name);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(OutlierDurationVector);

class OutlierCapVector : public ::testing::TestWithParam<VectorCase> {};

TEST_P(OutlierCapVector, Ejects) {
  SCOPED_TRACE(GetParam().says);
  const YAML::Node given = GetParam().body["given"];
  policy::OutlierSpec spec;
  spec.max_ejection_percent = value_or<uint32_t>(given, "max_ejection_percent", 10);
  spec.always_eject_one = value_or<bool>(given, "always_eject_one_host", false);
  Ward ward(spec, given["hosts"].as<uint32_t>());
  for (uint32_t i = 0; i < given["failing"].as<uint32_t>(); ++i) ward.fail(i, 5);
  EXPECT_EQ(ward.detector().ejected(), GetParam().body["then"]["ejected"].as<uint32_t>());
}

const std::set<std::string> kCaps = {"envoy_outlier_cap"};
INSTANTIATE_TEST_SUITE_P(Own, OutlierCapVector, ::testing::ValuesIn(of_kinds(own_cases(), kCaps)),
                         case_name);
INSTANTIATE_TEST_SUITE_P(Shared, OutlierCapVector,
                         ::testing::ValuesIn(of_kinds(shared_cases(), kCaps)), case_name);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(OutlierCapVector);

}  // namespace
}  // namespace vicinity::testing
