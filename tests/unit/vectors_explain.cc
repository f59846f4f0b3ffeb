#include "unit/vectors_explain.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>

#include "support/process.h"
#include "support/program.h"

namespace vicinity::testing {
namespace {

namespace fs = std::filesystem;

// A file of this test, gone with the object.
class TestFile {
 public:
  TestFile(const char* suffix, const std::string& text) {
    const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
    std::string name = fmt::format("{}.{}.{}", test->test_suite_name(), test->name(), suffix);
    std::ranges::replace(name, '/', '.');
    path_ = fs::path(::testing::TempDir()) / name;
    std::ofstream(path_) << text;
  }
  TestFile(const TestFile&) = delete;
  TestFile& operator=(const TestFile&) = delete;
  ~TestFile() { fs::remove(path_); }
  [[nodiscard]] std::string path() const { return path_.string(); }

 private:
  fs::path path_;
};

}  // namespace

YAML::Node explain(const std::string& mesh, const std::string& client, const std::string& policy,
                   const std::vector<std::string>& flags) {
  const TestFile mesh_file("mesh.yaml", mesh);
  const TestFile policy_file("policy.yaml", policy);
  std::vector<std::string> argv = {program_path("vicinityctl"),
                                   "explain",
                                   "--mesh",
                                   mesh_file.path(),
                                   "--client",
                                   client,
                                   "--service",
                                   kVectorService,
                                   "--port",
                                   "80",
                                   "-o",
                                   "json"};
  if (!policy.empty()) argv.insert(argv.end(), {"--policy", policy_file.path()});
  argv.insert(argv.end(), flags.begin(), flags.end());
  const auto done = run({.argv = argv}, std::chrono::seconds(30));
  EXPECT_TRUE(done.ok()) << done.status();
  if (!done.ok()) return {};
  EXPECT_EQ(done->exit_code, 0) << done->err << "\n" << mesh << "\n" << policy;
  return YAML::Load(done->out);
}

std::map<std::string, double> shares_of(const YAML::Node& explanation) {
  std::map<std::string, double> shares;
  for (const YAML::Node& tier : explanation["tiers"]) {
    for (const YAML::Node& endpoint : tier["endpoints"]) {
      const double share = endpoint["share_percent"].as<double>();
      if (share > 0) shares[endpoint["workload"].as<std::string>()] += share;
    }
  }
  return shares;
}

std::vector<std::set<std::string>> tiers_of(const YAML::Node& explanation) {
  std::vector<std::set<std::string>> tiers;
  for (const YAML::Node& tier : explanation["tiers"]) {
    auto& uids = tiers.emplace_back();
    for (const YAML::Node& endpoint : tier["endpoints"]) {
      uids.insert(endpoint["workload"].as<std::string>());
    }
  }
  return tiers;
}

std::map<std::string, int> priorities_of(const YAML::Node& explanation) {
  std::map<std::string, int> priorities;
  for (const YAML::Node& tier : explanation["tiers"]) {
    for (const YAML::Node& endpoint : tier["endpoints"]) {
      priorities[endpoint["workload"].as<std::string>()] = tier["priority"].as<int>();
    }
  }
  return priorities;
}

}  // namespace vicinity::testing
