// The files of docs/examples/istio, as they stand: what is said about each, to the letter.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include "policy/book/load.h"
#include "support/recordings.h"

namespace vicinity::testing {
namespace {

namespace fs = std::filesystem;

fs::path examples() {
  return test_data_dir().parent_path().parent_path() / "docs" / "examples" / "istio";
}

const std::string kOutlier =
    "warning: DestinationRule default/helloworld-dr: spec.trafficPolicy.outlierDetection.";
const std::string kHttp =
    "counts connects that fail or are reset at once: HTTP responses are not seen at connect time, "
    "so use a readiness probe for them";

struct Row {
  size_t policies;
  std::vector<std::string> findings;
};

std::map<std::string, Row> rows() {
  return {
      {"distribute-other-zones.yaml", {1, {}}},
      {"distribute-own-zone.yaml", {1, {}}},
      {"failover.yaml", {1, {"failover.yaml:14: " + kOutlier + "consecutive5xxErrors: " + kHttp}}},
      {"helloworld.yaml",
       {1,
        {"helloworld.yaml:3: warning: kind: Service is no policy: services and pods come from the "
         "feed",
         "helloworld.yaml:16: warning: VirtualService default/helloworld: kind: VirtualService is "
         "not used: routes are chosen per request, which is not seen at connect time; use a "
         "waypoint or a gateway for them"}}},
      {"mesh-config.yaml", {1, {}}},
      {"mesh-distribute.yaml", {1, {}}},
      {"mesh-failover.yaml", {1, {}}},
  };
}

TEST(PolicyExamples, AreSaidToBeWhatTheyAre) {
  std::map<std::string, Row> left = rows();
  for (const auto& entry : fs::directory_iterator(examples())) {
    const std::string name = entry.path().filename().string();
    ASSERT_TRUE(left.contains(name)) << name << " has no test";
    std::ifstream file(entry.path());
    const policy::book::FileText text{.file = name,
                                      .text = {std::istreambuf_iterator<char>(file), {}}};
    const auto load = policy::book::load({&text, 1});
    std::vector<std::string> findings;
    for (const auto& finding : load.findings) findings.push_back(to_text(finding));
    EXPECT_EQ(findings, left.at(name).findings) << name;
    EXPECT_EQ(load.documents.size(), left.at(name).policies) << name;
    left.erase(name);
  }
  EXPECT_THAT(left, ::testing::IsEmpty());
}

}  // namespace
}  // namespace vicinity::testing
