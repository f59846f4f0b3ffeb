// What operators read, against a running vicinityd: docs/metrics.md has every series of a scrape
// and no other, and bpftool shows what `vicinityctl dump tables` shows.
#include <absl/strings/str_join.h>
#include <absl/strings/str_split.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>

#include "e2e/cluster.h"
#include "feed/file/mesh_file.h"
#include "support/gtest_support.h"
#include "support/paths.h"
#include "support/wait.h"

namespace vicinity::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::ContainerEq;

constexpr const char* kNode = "ambient-worker";

std::string read_file(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

std::vector<std::string> lines_of(const std::string& text) { return absl::StrSplit(text, '\n'); }

// "type: label, label" of every metric, by name.
using Series = std::map<std::string, std::string>;

std::set<std::string> labels_of(std::string_view sample) {
  std::set<std::string> labels;
  const auto open = sample.find('{');
  if (open == std::string_view::npos) return labels;
  bool quoted = false;
  std::string name;
  for (const char c : sample.substr(open + 1)) {
    if (c == '"') quoted = !quoted;
    if (quoted || c == '"') continue;
    if (c == '}') break;
    if (c == '=') {
      labels.insert(name);
    } else if (c == ',') {
      name.clear();
    } else {
      name += c;
    }
  }
  labels.erase("le");
  return labels;
}

// Of a scrape: "# TYPE name type", then its samples.
Series series_of_scrape(const std::string& text) {
  std::map<std::string, std::pair<std::string, std::set<std::string>>> found;
  std::string name;
  for (const std::string& line : lines_of(text)) {
    const std::vector<std::string> words = absl::StrSplit(line, ' ');
    if (line.starts_with("# TYPE ")) {
      name = words.at(2);
      found[name].first = words.at(3);
    } else if (line.starts_with("vicinity_")) {
      found[name].second.merge(labels_of(line));
    }
  }
  Series series;
  for (const auto& [metric, facts] : found) {
    series[metric] = facts.first + ": " + absl::StrJoin(facts.second, ", ");
  }
  return series;
}

// Of the page: "| `name` | type | `label` `label` | meaning |".
Series series_of_page(const std::string& text) {
  Series series;
  for (const std::string& line : lines_of(text)) {
    if (!line.starts_with("| `vicinity_")) continue;
    const std::vector<std::string> cells = absl::StrSplit(line, " | ");
    if (cells.size() < 4) continue;
    std::set<std::string> labels;
    const std::vector<std::string> parts = absl::StrSplit(cells[2], '`');
    for (const std::string& label : parts) {
      if (!label.empty() && label != " ") labels.emplace(label);
    }
    series[cells[0].substr(3, cells[0].size() - 4)] = cells[1] + ": " + absl::StrJoin(labels, ", ");
  }
  return series;
}

class OperatorTest : public ::testing::Test {
 protected:
  void SetUp() override {
    VICINITY_ROOT_OR_FAIL();
    VICINITY_ASSERT_OK_AND_ASSIGN(cluster_, Cluster::create({.node = kNode,
                                                             .client = "10.244.1.6",
                                                             .serving = {{"local", "10.244.1.5"}},
                                                             .port = 5000}));
    VICINITY_ASSERT_OK(cluster_->start_daemon(kNode));
  }
  void TearDown() override {
    if (!cluster_) return;
    VICINITY_EXPECT_OK(cluster_->stop_daemon(kNode));
    VICINITY_EXPECT_OK(cluster_->world().shut_down());
  }

  // The mesh files together, and what a mesh file says beside them.
  void serve(const std::vector<std::string>& files, const std::string& more = "") {
    std::vector<feed::NamedAddress> all;
    for (const std::string& name : files) add(read_file(test_data_dir() / name), all);
    if (!more.empty()) add(more, all);
    cluster_->control_plane().set_resources(all);
  }
  void expect_in_tables(const std::string& text) {
    VICINITY_EXPECT_OK(cluster_->wait_until_said(kNode, {"dump", "tables"}, text))
        << ctl({"status"});
  }
  std::string ctl(const std::vector<std::string>& arguments) {
    return cluster_->said(kNode, arguments);
  }
  std::string connect() {
    const auto done =
        cluster_->world().pod("client").connect({.address = "10.96.45.18", .port = 5000});
    return done.ok() ? done->answer : std::string(done.status().message());
  }

  std::unique_ptr<Cluster> cluster_;

 private:
  static void add(const std::string& text, std::vector<feed::NamedAddress>& all) {
    const auto file = feed::parse_mesh(text);
    ASSERT_TRUE(file.errors.empty()) << file.errors[0].message;
    all.insert(all.end(), file.resources.begin(), file.resources.end());
  }
};

// Without a usable endpoint, so that there are series of refused connects.
constexpr const char* kEmpty = R"(service:
  name: empty
  namespace: sample
  hostname: empty.example
  addresses: ["10.96.0.98"]
  ports: [{servicePort: 80, targetPort: 8080}]
---
workload:
  uid: Kubernetes//Pod/sample/sick
  name: sick
  namespace: sample
  addresses: ["10.244.3.9"]
  status: UNHEALTHY
  node: ambient-worker3
  locality: {region: region, zone: zone2, subzone: subzone3}
  services: {"sample/empty.example": {ports: [{servicePort: 80, targetPort: 8080}]}}
)";

// Made unusable below, so that series by kind exist.
constexpr const char* kRejected = R"(service:
  name: bad
  namespace: sample
  hostname: bad.example
  addresses: ["10.96.0.99"]
  ports: [{servicePort: 80, targetPort: 8080}]
)";

TEST_F(OperatorTest, MetricsPageHasEverySeriesOfAScrape) {
  serve({"walkthrough/00-initial.yaml"});
  expect_in_tables("10.96.45.18");
  auto resources = feed::parse_mesh(read_file(test_data_dir() / "walkthrough/00-initial.yaml"));
  const auto empty = feed::parse_mesh(kEmpty);
  ASSERT_TRUE(empty.errors.empty()) << empty.errors[0].message;
  resources.resources.insert(resources.resources.end(), empty.resources.begin(),
                             empty.resources.end());
  auto bad = feed::parse_mesh(kRejected).resources.at(0);
  bad.address.mutable_service()->mutable_load_balancing()->add_routing_preference(
      istio::workload::LoadBalancing::UNSPECIFIED_SCOPE);
  resources.resources.push_back(bad);
  cluster_->control_plane().set_resources(resources.resources);

  std::string scrape;
  ASSERT_TRUE(wait_until(
      [&] {
        EXPECT_EQ(connect(), "local");
        VICINITY_EXPECT_OK(
            cluster_->world().pod("client").connect({.address = "10.96.0.98", .port = 80}));
        scrape = ctl({"metrics"});
        return scrape.find("vicinity_service_connects_total{") != std::string::npos &&
               scrape.find("vicinity_service_refused_total{") != std::string::npos &&
               scrape.find("vicinity_resources_rejected_total{") != std::string::npos;
      },
      10s))
      << scrape;
  std::ofstream(binary_dir() / "scrape.txt") << scrape;  // for promtool
  EXPECT_THAT(series_of_page(read_file(source_dir() / "docs/metrics.md")),
              ContainerEq(series_of_scrape(scrape)));
}

TEST_F(OperatorTest, BpftoolShowsWhatDumpTablesShows) {
  const std::string label(63, 'x');  // a name of several records
  serve(
      {"walkthrough/00-initial.yaml", "weights.yaml", "dual-stack.yaml"},
      "service:\n  name: long\n  namespace: " + label + "\n  hostname: " + label + "." + label +
          ".example\n  addresses: [\"10.96.77.7\"]\n  ports: [{servicePort: 1, targetPort: 2}]\n");
  for (const char* name : {"10.96.45.18", "weighted.example.com", "ipv6", "10.96.77.7"}) {
    expect_in_tables(name);
  }
  VICINITY_ASSERT_OK_AND_ASSIGN(
      const auto read,
      run({.argv = {"/usr/bin/python3", source_dir() / "tests/deploy/bpftool_tables.py",
                    cluster_->world().node(kNode).pin_dir()}},
          60s));
  ASSERT_EQ(read.exit_code, 0) << read.err;
  EXPECT_EQ(read.out, ctl({"dump", "tables"}));
}

}  // namespace
}  // namespace vicinity::testing
