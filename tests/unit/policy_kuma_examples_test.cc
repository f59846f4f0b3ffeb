// docs/examples/kuma, file by file: what is said about it, and what it does. The examples that can
// be brought about by connections are played by tests/e2e/kuma_test.cc as well.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wc99-extensions"
#include "bpf/select.h"
#pragma clang diagnostic pop
#include "policy/book/load.h"
#include "support/paths.h"
#include "unit/policy_kuma_scene.h"

namespace vicinity::testing {
namespace {

namespace fs = std::filesystem;

fs::path directory() { return source_dir() / "docs/examples/kuma"; }

std::string read(const std::string& name) {
  std::ifstream file(directory() / (name + ".yaml"));
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

using Lines = std::vector<std::string>;

constexpr const char* kSection =
    "warning: MeshLoadBalancingStrategy kuma-system/{}: spec.to[0].targetRef.sectionName: 'http' "
    "names a port, and WDS does not carry names of ports: the policy is for every port of the "
    "service; write the port's number to narrow it";

std::string section(const char* name) { return fmt::format(fmt::runtime(kSection), name); }

// What `vicinityctl policy check` prints, without file and line.
std::map<std::string, Lines> findings() {
  const std::string header =
      "error: MeshLoadBalancingStrategy kuma-system/ring-hash: "
      "spec.to[0].default.loadBalancer.ringHash.hashPolicies[0].type: Header cannot be hashed: "
      "HTTP "
      "is not seen at connect time; use type Connection with sourceIP, or keep a proxy for this "
      "service";
  return {
      {"ring-hash-header", {header}},
      {"ring-hash-header-section", {section("ring-hash"), header}},
      {"locality-disabled", {}},
      {"locality-disabled-section", {section("disable-la-to-backend")}},
      {"local-affinity", {}},
      {"local-affinity-section", {section("local-zone-affinity-backend")}},
      {"local-even-list", {}},
      {"local-even-list-section", {section("local-zone-affinity-backend")}},
      {"local-even", {}},
      {"local-even-section", {section("local-zone-affinity-backend")}},
      {"cross-zone-order", {}},
      {"cross-zone-order-section", {section("cross-zone-backend")}},
      {"affinity-and-cross-zone", {}},
      {"proxy-patch",
       {"warning: MeshProxyPatch kuma-system/max-requests-per-conn: kind: MeshProxyPatch is not "
        "used: there is no Envoy to patch; connections are balanced one by one, so nothing has to "
        "limit the requests of one"}},
  };
}

TEST(KumaExamples, AreDiagnosedExactly) {
  std::set<std::string> there;
  for (const auto& entry : fs::directory_iterator(directory())) {
    there.insert(entry.path().stem().string());
  }
  std::set<std::string> known;
  for (const auto& [name, lines] : findings()) {
    known.insert(name);
    const policy::book::FileText file{.file = name, .text = read(name)};
    Lines seen;
    for (const auto& finding : policy::book::load({&file, 1}).findings) {
      std::string line = to_text(finding);
      seen.push_back(line.substr(line.find(": ") + 2));
    }
    EXPECT_THAT(seen, ::testing::UnorderedElementsAreArray(lines)) << name;
  }
  EXPECT_EQ(there, known) << "every example is here, and nothing else";
}

struct ExampleRow {
  std::string what;
  std::string file;
  std::vector<HostRow> hosts;
  ClientRow client;
  std::string text;
};

const std::string kNode = "kubernetes.io/hostname";
const std::string kAz = "topology.kubernetes.io/zone";

std::vector<ExampleRow> rows() {
  const ClientRow here{.zone = "z1", .labels = {{kNode, "n1"}, {kAz, "a1"}}};
  const std::vector<HostRow> three = {{"a", "z1", {{kNode, "n1"}, {kAz, "a1"}}},
                                      {"b", "z1", {{kNode, "n2"}, {kAz, "a1"}}},
                                      {"c", "z1", {{kNode, "n3"}, {kAz, "a2"}}},
                                      {"x", "z2"}};
  const std::vector<HostRow> zones = {{"l", "eu-2"}, {"e", "eu-1"}, {"u", "us-1"}, {"v", "us-4"}};
  std::vector<ExampleRow> all;
  for (const std::string suffix : {"", "-section"}) {
    all.push_back(
        {"every zone alike", "locality-disabled" + suffix, three, here, "0=100: a25 b25 c25 x25;"});
    all.push_back(
        {"90, 9, 1", "local-affinity" + suffix, three, here, "0=100: a90 b9 c1; x not_matched;"});
    for (const std::string name : {"local-even", "local-even-list"}) {
      all.push_back({"evenly in the own zone", name + suffix, three, here,
                     "0=100: a33.33 b33.33 c33.33; x not_matched;"});
      all.push_back(
          {"nobody in the own zone", name + suffix, {{"x", "z2"}}, here, "x not_matched;"});
    }
    all.push_back({"one zone after the other",
                   "cross-zone-order" + suffix,
                   {{"l", "eu-1"}, {"a", "us-1"}, {"b", "us-2"}, {"c", "us-3"}, {"d", "ap-1"}},
                   {.zone = "eu-1", .labels = {}},
                   "0=100: l100; 1=0: a0; 2=0: d0; 3=0: b0 c0;"});
  }
  all.push_back({"weights of its own", "affinity-and-cross-zone", three, here,
                 "0=100: a99.89 b0.1 c0.01; x not_matched;"});
  all.push_back({"failover on the own continent",
                 "affinity-and-cross-zone",
                 zones,
                 {.zone = "eu-2", .labels = {}},
                 "0=100: l100; 2=0: e0; 3=0: v0; u not_matched;"});
  all.push_back({"on the other one",
                 "affinity-and-cross-zone",
                 zones,
                 {.zone = "us-2", .labels = {}},
                 "1=100: u100; 3=0: v0; e not_matched; l not_matched;"});
  all.push_back({"from elsewhere",
                 "affinity-and-cross-zone",
                 zones,
                 {.zone = "ap-1", .labels = {}},
                 "3=100: v100; e not_matched; l not_matched; u not_matched;"});
  return all;
}

TEST(KumaExamples, DoWhatTheySay) {
  for (const ExampleRow& row : rows()) {
    KumaScene scene(row.hosts, row.client);
    EXPECT_EQ(scene.text(book_of(read(row.file))), row.text) << row.file << ": " << row.what;
  }
}

// One choice as the connect hook makes it.
uint32_t choose(const compile::PortTable& table, uint32_t random) {
  const vic_draw draw = vic_draw_slot(random, table.loaded);
  if (!table.weighted) return draw.slot;
  const compile::Slot& slot = table.slots[draw.slot];
  const vic_alias alias = {.threshold = slot.threshold, .other = slot.other, .weight = slot.weight};
  return vic_settle_draw(draw, &alias);
}

struct DrawRow {
  std::string file;
  std::vector<double> shares;  // of a, b, c
};

// Shares that no sensible number of connections could show.
TEST(KumaExamples, TenMillionDrawsHaveTheShares) {
  constexpr double kDraws = 10'000'000;
  const std::vector<DrawRow> draw_rows = {
      {"local-affinity", {0.9, 0.09, 0.01}},
      {"affinity-and-cross-zone", {9000. / 9010, 9. / 9010, 1. / 9010}}};
  for (const DrawRow& row : draw_rows) {
    KumaScene scene({{"a", "z1", {{kNode, "n1"}}}, {"b", "z1", {{kAz, "a1"}}}, {"c", "z1"}},
                    {.zone = "z1", .labels = {{kNode, "n1"}, {kAz, "a1"}}});
    const auto table = scene.table(book_of(read(row.file)));
    ASSERT_EQ(table.loaded, row.shares.size()) << row.file;
    std::mt19937 random(20260822);
    std::vector<uint64_t> counts(row.shares.size(), 0);
    for (double i = 0; i < kDraws; ++i) ++counts[choose(table, static_cast<uint32_t>(random()))];
    for (size_t i = 0; i < counts.size(); ++i) {
      const double mean = row.shares[i] * kDraws;
      // A table is off by at most 1e-5 of the whole, here by less than a fiftieth of the smallest.
      const double slack = 5 * std::sqrt(mean * (1 - row.shares[i])) + 2e-6 * kDraws;
      EXPECT_NEAR(static_cast<double>(counts[i]), mean, slack) << row.file << " " << i;
    }
  }
}

}  // namespace
}  // namespace vicinity::testing
