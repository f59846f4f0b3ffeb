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
#include <string_view>

#include "support/gtest_support.h"
#include "support/process.h"
#include "support/program.h"

namespace vicinity::bench {
namespace {

using google::protobuf::Struct;
using google::protobuf::Value;
using namespace std::chrono_literals;

constexpr int kRows = 22;

Struct read_json(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  Struct result;
  EXPECT_TRUE(google::protobuf::util::JsonStringToMessage(text.str(), &result).ok());
  return result;
}

double median(const Struct& row, const std::string& column) {
  return row.fields().at(column).struct_value().fields().at("median").number_value();
}

bool starts_with(const Struct& row, std::string_view prefix) {
  return row.fields().at("name").string_value().starts_with(prefix);
}

TEST(BenchConnect, EveryRowHasMeasured) {
  VICINITY_ROOT_OR_FAIL();
  const std::string path =
      std::filesystem::temp_directory_path() / fmt::format("bench_connect-{}.json", getpid());
  VICINITY_ASSERT_OK_AND_ASSIGN(
      const testing::Completed done,
      testing::run({.argv = {testing::program_path("bench_connect"), "--quick", "--json", path}},
                   60s));
  ASSERT_EQ(done.exit_code, 0) << done.err;
  const Struct results = read_json(path);
  std::filesystem::remove(path);
  const auto& rows = results.fields().at("rows").list_value().values();
  EXPECT_EQ(rows.size(), kRows);
  for (const Value& value : rows) {
    const Struct& row = value.struct_value();
    SCOPED_TRACE(row.fields().at("name").string_value());
    EXPECT_GT(median(row, "p50_us"), 0);
    EXPECT_GT(median(row, "p99_us"), 0);
    EXPECT_GT(median(row, "connects_per_second"), 0);
    const bool ours = starts_with(row, "ours");
    if (ours || starts_with(row, "empty")) EXPECT_GT(median(row, "hook_ns"), 0);
    if (ours) EXPECT_GT(median(row, "compile_and_fill_ms"), median(row, "fill_ms"));
    if (row.fields().at("services").number_value() > 0) EXPECT_GT(median(row, "fill_ms"), 0);
  }
}

}  // namespace
}  // namespace vicinity::bench
