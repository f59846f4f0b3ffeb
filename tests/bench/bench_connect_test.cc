// The benchmark runs and measures something in every row. Never how much: that is for people.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
#include <thread>

#include "support/gtest_support.h"
#include "support/process.h"
#include "support/program.h"

namespace vicinity::bench {
namespace {

using google::protobuf::Struct;
using google::protobuf::Value;
using namespace std::chrono_literals;

constexpr int kRows = 55;

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

std::string text(const Struct& row, const std::string& column) {
  return row.fields().at(column).string_value();
}

void expect_measured(const Struct& row) {
  for (const char* column : {"p50_us", "p99_us", "p999_us", "connects_per_second"}) {
    EXPECT_GT(median(row, column), 0) << column;
  }
  if (std::thread::hardware_concurrency() > 1) {
    EXPECT_GT(median(row, "connects_per_second_of_two"), 0);
  }
  const bool ours = starts_with(row, "ours");
  const bool foreign = starts_with(row, "foreign");
  if (ours || foreign || starts_with(row, "empty")) {
    EXPECT_GT(median(row, "hook_ns"), 0);
    EXPECT_GT(median(row, "times_empty"), 0);
    EXPECT_GE(median(row, "all_programs_ns"), median(row, "hook_ns"));
  }
  if (ours) EXPECT_GT(median(row, "compile_and_fill_ms"), median(row, "fill_ms"));
  if (row.fields().at("services").number_value() > 0) EXPECT_GT(median(row, "fill_ms"), 0);
}

// Every connect of every row must end as the row says it does, or the program fails.
TEST(BenchConnect, EveryRowHasMeasured) {
  VICINITY_ROOT_OR_FAIL();
  const std::string path =
      std::filesystem::temp_directory_path() / fmt::format("bench_connect-{}.json", getpid());
  VICINITY_ASSERT_OK_AND_ASSIGN(
      const testing::Completed done,
      testing::run({.argv = {testing::program_path("bench_connect"), "--quick", "--json", path,
                             "--object", std::getenv("BENCH_SKETCH"), "--fill",
                             testing::program_path("bench_sketch_fill")}},
                   150s));
  ASSERT_EQ(done.exit_code, 0) << done.err;
  const Struct results = read_json(path);
  std::filesystem::remove(path);
  const auto& rows = results.fields().at("rows").list_value().values();
  EXPECT_EQ(rows.size(), kRows);
  for (const Value& value : rows) {
    const Struct& row = value.struct_value();
    SCOPED_TRACE(text(row, "name"));
    if (text(row, "absent").empty()) {
      expect_measured(row);
    } else {
      EXPECT_EQ(text(row, "name"), "ipvs ipv4") << text(row, "absent");
    }
  }
}

// Whoever gives an object must be told what became of it.
TEST(BenchConnect, AnObjectWithoutProgramsIsRefused) {
  VICINITY_ROOT_OR_FAIL();
  VICINITY_ASSERT_OK_AND_ASSIGN(
      const testing::Completed done,
      testing::run({.argv = {testing::program_path("bench_connect"), "--quick", "--only", "foreign",
                             "--object", "/dev/null", "--fill", "/bin/true"}},
                   60s));
  EXPECT_EQ(done.exit_code, 1);
  EXPECT_THAT(done.err, ::testing::HasSubstr("/dev/null: load"));
}

}  // namespace
}  // namespace vicinity::bench
