// From results to the document: tables say what the results say, pictures have their axes, and what
// is written by hand stays.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <unistd.h>
#include <yaml-cpp/yaml.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "bench/document/blocks.h"
#include "support/gtest_support.h"
#include "support/paths.h"

namespace vicinity::bench {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::string_view kConnect = R"({
  "kernel": "6.18", "cpu": "Test & CPU", "cpus": 2, "load_average": 0.5, "rounds": 5,
  "connects": 3000,
  "rows": [
    {"group": "floor", "name": "no program ipv4", "absent": "", "hook_ns": null,
     "p50_us": {"median": 14.06, "low": 13.0, "high": 15.0}},
    {"group": "profile", "name": "ours ipv4 equal", "absent": "",
     "hook_ns": {"median": 340.0, "low": 300.0, "high": 410.0},
     "times_empty": {"median": 5.5, "low": 5.0, "high": 6.1},
     "p50_us": {"median": 14.2, "low": 14.0, "high": 15.0}},
    {"group": "profile", "name": "ours ipv4 unequal", "absent": "",
     "hook_ns": {"median": 480.0, "low": 470.0, "high": 490.0},
     "times_empty": {"median": 7.25, "low": 7.0, "high": 7.5}},
    {"group": "endpoints", "name": "ours ipv4, endpoints: 1", "absent": "",
     "hook_ns": {"median": 200.0, "low": 190.0, "high": 210.0}},
    {"group": "endpoints", "name": "ours ipv4, endpoints: 100", "absent": "",
     "hook_ns": {"median": 250.0, "low": 240.0, "high": 260.0}},
    {"group": "others", "name": "ipvs ipv4", "absent": "not in this kernel"}
  ]})";

constexpr std::string_view kControl = R"({
  "1000x10000": {"everything in one response": {"ms": 50.0},
                 "memory settled / peak": {"settled": 2e7, "peak": 3e7}},
  "10000x100000": {"everything in one response": {"ms": 500.0},
                   "memory settled / peak": {"settled": 1e8, "peak": 1.2e8}}})";

class Document : public ::testing::Test {
 protected:
  void SetUp() override { std::filesystem::create_directories(folder_); }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  void write(const char* name, std::string_view text) const {
    std::ofstream(folder_ + "/" + name) << text;
  }
  [[nodiscard]] Results results() const {
    absl::StatusOr<Results> read = Results::read(folder_);
    EXPECT_TRUE(read.ok()) << read.status();
    return *std::move(read);
  }
  [[nodiscard]] std::string block(std::string_view name) const {
    for (const Block& block : blocks_of(results())) {
      if (block.name == name) return block.text;
    }
    return fmt::format("no block {}", name);
  }
  [[nodiscard]] std::string picture(std::string_view file) const {
    for (const Picture& picture : pictures_of(results())) {
      if (picture.file == file) return picture.svg;
    }
    return fmt::format("no picture {}", file);
  }
  const std::string& folder() const { return folder_; }

 private:
  std::string folder_ =
      std::filesystem::temp_directory_path() / fmt::format("bench_document-{}", getpid());
};

TEST_F(Document, AColumnIsThereWhenSomeRowHasIt) {
  write("connect.json", kConnect);
  EXPECT_EQ(block("floor"),
            "| | p50 us |\n|---|---:|\n"
            "| no program ipv4 | 14.1 |\n");
  EXPECT_EQ(block("profile"),
            "| | hook ns | times empty | p50 us |\n|---|---:|---:|---:|\n"
            "| ours ipv4 equal | 340 (300-410) | 5.5 (5.0-6.1) | 14.2 |\n"
            "| ours ipv4 unequal | 480 (470-490) | 7.2 (7.0-7.5) |  |\n");
}

TEST_F(Document, WhatIsNotThereSaysWhy) {
  write("connect.json", kConnect);
  EXPECT_THAT(block("others"), HasSubstr("| ipvs ipv4: not in this kernel |"));
}

TEST_F(Document, TargetsAreJudgedByTheMedian) {
  write("connect.json", kConnect);
  const std::string targets = block("targets");
  EXPECT_THAT(targets, HasSubstr("| ours ipv4 equal | 6 | 5.50 | yes |"));
  EXPECT_THAT(targets, HasSubstr("| ours ipv4 unequal | 7 | 7.25 | **no** |"));
  EXPECT_THAT(targets, HasSubstr("| ours ipv6 equal | 6 | | |"));
  EXPECT_THAT(targets, HasSubstr("dearest over cheapest | 1.2 | 1.25 | **no** |"));
}

TEST_F(Document, BarsAreAsLongAsTheirValue) {
  write("connect.json", kConnect);
  const std::string svg = picture("bench-hook.svg");
  // The axis ends at 500 ns: 406 points for them, 340 ns are 276.1.
  EXPECT_THAT(svg, HasSubstr("width=\"276.1\""));
  EXPECT_THAT(svg, HasSubstr("[ns]"));
  EXPECT_THAT(svg, HasSubstr("prefers-color-scheme:dark"));
  EXPECT_THAT(svg, Not(HasSubstr("ipvs")));
}

TEST_F(Document, LinesGoByTheNumberInTheName) {
  write("connect.json", kConnect);
  // x: 1 to 100 over 626 points from 70; y: 0 to 250 over 242 points up from 296.
  EXPECT_THAT(picture("bench-flat.svg"), HasSubstr("points=\"70.0,102.4 696.0,54.0 \""));
}

TEST_F(Document, MemoryAndTimeAreDrawnOverWorkloads) {
  write("control.json", kControl);
  EXPECT_THAT(picture("bench-control-time.svg"), HasSubstr(">100k<"));
  EXPECT_THAT(picture("bench-control-memory.svg"), HasSubstr(">settled<"));
}

TEST_F(Document, PicturesAreWellFormed) {
  write("connect.json", kConnect);
  write("control.json", kControl);
  const auto pictures = pictures_of(results());
  EXPECT_EQ(pictures.size(), 5U);
  for (const Picture& picture : pictures) {
    SCOPED_TRACE(picture.file);
    EXPECT_THAT(picture.svg, ::testing::StartsWith("<svg "));
    EXPECT_THAT(picture.svg, ::testing::EndsWith("</svg>\n"));
    EXPECT_THAT(picture.svg, Not(HasSubstr("nan")));
    EXPECT_THAT(picture.svg, Not(HasSubstr("inf")));
  }
}

TEST_F(Document, WhatWasNotMeasuredIsNotDrawn) {
  write("connect.json", R"({"rows": [{"group": "floor", "name": "no program ipv4"}]})");
  write("control.json", R"({"1x1": {"everything in one response": {"other": 1.0}}})");
  EXPECT_TRUE(pictures_of(results()).empty());
}

TEST_F(Document, OnlyBlocksChange) {
  write("judge.txt", "new  \n");
  const std::string before = "hand\n<!-- results: judge -->\nold\n<!-- end -->\nwritten\n";
  VICINITY_ASSERT_OK_AND_ASSIGN(const std::string after, put_into(before, blocks_of(results())));
  EXPECT_EQ(after, "hand\n<!-- results: judge -->\n```\nnew\n```\n<!-- end -->\nwritten\n");
}

TEST_F(Document, ABlockWithoutAPlaceIsAnError) {
  write("judge.txt", "new\n");
  EXPECT_FALSE(put_into("<!-- results: judge -->\nno end\n", blocks_of(results())).ok());
  EXPECT_FALSE(put_into("", blocks_of(results())).ok());
}

TEST_F(Document, NothingToReadIsAnError) {
  EXPECT_FALSE(Results::read(folder()).ok());
  write("connect.json", "{");
  EXPECT_FALSE(Results::read(folder()).ok());
}

// The document that is shipped has a place for everything.
TEST_F(Document, TheDocumentHasEveryPlace) {
  write("connect.json", kConnect);
  write("control.json", kControl);
  for (const char* name : {"lines.txt", "control.txt", "failure.txt", "judge.txt", "peers.txt"}) {
    write(name, "figures\n");
  }
  std::ostringstream document;
  document << std::ifstream(testing::source_dir() / "docs/benchmarks.md").rdbuf();
  const absl::StatusOr<std::string> after = put_into(document.str(), blocks_of(results()));
  ASSERT_TRUE(after.ok()) << after.status();
  for (const Picture& picture : pictures_of(results())) {
    EXPECT_THAT(*after, HasSubstr(fmt::format("]({})", picture.file)));
  }
}

}  // namespace
}  // namespace vicinity::bench
