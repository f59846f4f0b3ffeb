// The benchmark runs and measures something in every row. Never how much: that is for people.
#include <fmt/format.h>
#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "support/gtest_support.h"
#include "support/process.h"
#include "support/program.h"

namespace vicinity::bench {
namespace {

using google::protobuf::Struct;
using namespace std::chrono_literals;

constexpr int kRows = 20;

TEST(BenchPeers, EveryRowHasMeasured) {
  VICINITY_ROOT_OR_FAIL();
  const std::string path =
      std::filesystem::temp_directory_path() / fmt::format("bench_peers-{}.json", getpid());
  VICINITY_ASSERT_OK_AND_ASSIGN(
      const testing::Completed done,
      testing::run({.argv = {testing::program_path("bench_peers"), "--quick", "--json", path}},
                   90s));
  ASSERT_EQ(done.exit_code, 0) << done.err;
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  std::filesystem::remove(path);
  Struct results;
  ASSERT_TRUE(google::protobuf::util::JsonStringToMessage(text.str(), &results).ok());
  const auto& rows = results.fields().at("rows").list_value().values();
  EXPECT_EQ(rows.size(), kRows) << done.out;
  for (const auto& row : rows) {
    const auto& fields = row.struct_value().fields();
    const std::string& name = fields.at("name").string_value();
    // A difference of two processes, which for meshes as small as these may be anything.
    if (name.starts_with("memory")) continue;
    EXPECT_GT(fields.at("value").number_value(), 0) << name;
  }
}

}  // namespace
}  // namespace vicinity::bench
