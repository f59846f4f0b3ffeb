// The vectors that are arithmetic of algorithms: Maglev tables, rings, least request's weights.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "bpf/weigh.h"
#include "compile/maglev.h"
#include "compile/ring.h"
#include "unit/vectors_case.h"

namespace vicinity::testing {
namespace {

std::vector<VectorCase> cases_of(const std::string& kind) {
  std::vector<VectorCase> cases = own_cases();
  for (VectorCase& one : shared_cases()) cases.push_back(std::move(one));
  std::erase_if(cases, [&](const VectorCase& one) { return one.kind != kind; });
  EXPECT_FALSE(cases.empty()) << kind;
  return cases;
}

template <class T>
T value_or(const YAML::Node& node, const char* key, T otherwise) {
  return node[key] ? node[key].as<T>() : otherwise;
}

std::vector<uint32_t> counts(const std::vector<uint16_t>& table, size_t hosts) {
  std::vector<uint32_t> result(hosts, 0);
  for (const uint16_t host : table) ++result.at(host);
  return result;
}

TEST(AlgorithmVectors, MaglevTables) {
  for (const VectorCase& one : cases_of("envoy_maglev")) {
    SCOPED_TRACE(fmt::format("{}: {}", one.number, one.says));
    const YAML::Node given = one.body["given"];
    const YAML::Node then = one.body["then"];
    std::vector<compile::HashHost> hosts;
    for (const YAML::Node& host : given["hosts"]) {
      hosts.push_back(
          {.key = host["key"].as<std::string>(), .weight = value_or<uint32_t>(host, "weight", 1)});
    }
    const auto table = compile::maglev_table(hosts, value_or<uint32_t>(given, "table_size", 65537));
    ASSERT_TRUE(then["table"] || then["counts"]);
    if (then["table"]) EXPECT_EQ(table, then["table"].as<std::vector<uint16_t>>());
    if (then["counts"]) {
      EXPECT_EQ(counts(table, hosts.size()), then["counts"].as<std::vector<uint32_t>>());
    }
  }
}

TEST(AlgorithmVectors, RingEntries) {
  for (const VectorCase& one : cases_of("envoy_ring")) {
    SCOPED_TRACE(fmt::format("{}: {}", one.number, one.says));
    const YAML::Node given = one.body["given"];
    std::vector<compile::HashHost> hosts;
    for (const YAML::Node& weight : given["weights"]) {
      hosts.push_back(
          {.key = fmt::format("10.0.0.{}:80", hosts.size() + 1), .weight = weight.as<uint32_t>()});
    }
    const compile::RingSizes sizes = {.min = value_or<uint32_t>(given, "min_ring_size", 1024),
                                      .max = value_or<uint32_t>(given, "max_ring_size", 8388608)};
    const auto entries = compile::ring_entries(hosts, sizes);
    EXPECT_EQ(entries, one.body["then"]["entries"].as<std::vector<uint32_t>>());
    std::vector<uint32_t> found(hosts.size(), 0);
    for (const auto& entry : compile::hash_ring(hosts, sizes)) ++found.at(entry.host);
    EXPECT_EQ(found, entries);
  }
}

TEST(AlgorithmVectors, LeastRequestWeights) {
  for (const VectorCase& one : cases_of("envoy_least_request")) {
    SCOPED_TRACE(fmt::format("{}: {}", one.number, one.says));
    const YAML::Node given = one.body["given"];
    const double bias = value_or<double>(given, "bias", 1.0);
    const uint64_t weight =
        vic_effective_weight(given["weight"].as<uint32_t>(), given["active"].as<uint32_t>(),
                             static_cast<uint32_t>(bias * 1000 + 0.5));
    const double expected = one.body["then"]["weight"].as<double>();
    EXPECT_NEAR(static_cast<double>(weight) / 65536, expected, expected * 1e-3 + 1.0 / 65536);
  }
}

}  // namespace
}  // namespace vicinity::testing
