// The benchmark runs and measures something in every row. Never how much: that is for people.
#include <fmt/format.h>
#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>
#include <unistd.h>
#include <vicinity/layout.h>

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

Struct read_json(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  Struct result;
  EXPECT_TRUE(google::protobuf::util::JsonStringToMessage(text.str(), &result).ok());
  return result;
}

double number(const Struct& figures, const std::string& row, const std::string& column) {
  const auto& fields = figures.fields().at(row).struct_value().fields();
  return fields.at(column).number_value();
}

TEST(BenchControl, EveryRowHasMeasured) {
  VICINITY_ROOT_OR_FAIL();
  const std::string path =
      std::filesystem::temp_directory_path() / fmt::format("bench_control-{}.json", getpid());
  VICINITY_ASSERT_OK_AND_ASSIGN(
      const testing::Completed done,
      testing::run({.argv = {testing::program_path("bench_control"), "--size", "50x2000",
                             "--seconds", "1", "--json", path}},
                   90s));
  ASSERT_EQ(done.exit_code, 0) << done.err;
  const Struct results = read_json(path);
  std::filesystem::remove(path);
  const Struct& figures = results.fields().at("50x2000").struct_value();
  EXPECT_GT(number(figures, "everything in one response", "ms"), 0);
  EXPECT_GE(number(figures, "kernel memory of the tables", "slots"), 2000);
  EXPECT_GE(number(figures, "kernel memory of the tables", "of_slot"), sizeof(vic_slot4));
  EXPECT_GT(number(figures, "memory settled / peak", "settled"), 0);
  for (const char* row :
       {"1 changes a second, wire to answer", "100 changes a second, wire to answer",
        "2000 changes a second, at the server"})
    EXPECT_GT(number(figures, row, "p50_us"), 0) << row;
  EXPECT_GT(number(figures, "one pod removed / added, wire to answer", "removed_us"), 0);
  const char* const floor = "  response, gRPC alone / protobuf alone";
  EXPECT_GT(number(figures, floor, "grpc_ms"), 0);
  EXPECT_GT(number(figures, floor, "protobuf_ms"), 0);
  EXPECT_GT(number(figures, "  100 a second, gRPC alone, wire to answer", "p50_us"), 0);
  // All versions fit into the request of so small a mesh, so nothing is sent or published again.
  EXPECT_EQ(number(figures, "reconnect, nothing changed", "claimed"), 2050);
  EXPECT_EQ(number(figures, "reconnect, nothing changed", "sent"), 0);
  EXPECT_EQ(number(figures, "reconnect, nothing changed", "published"), 0);
}

}  // namespace
}  // namespace vicinity::bench
