// The text forms of every stage, for the mesh files of tests/data, against the files beside this
// one. After a change that is meant: VICINITY_UPDATE_GOLDEN=1 golden_test, and read the difference.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "compile/compile.h"
#include "compile/diff.h"
#include "compile/explain.h"
#include "feed/decode.h"
#include "feed/file/mesh_file.h"
#include "support/paths.h"

namespace vicinity {
namespace {

namespace fs = std::filesystem;

using testing::source_dir;

std::string read_text(const fs::path& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

struct GoldenRow {
  std::string name;  // of the golden file
  std::string mesh;  // below tests/data
  std::string node;
};

model::Snapshot load(const GoldenRow& row) {
  model::Snapshot snapshot(row.node);
  const std::string text = read_text(source_dir() / "tests/data" / row.mesh);
  EXPECT_FALSE(text.empty()) << row.mesh;
  for (const auto& error : feed::load_mesh_into(snapshot, text)) {
    ADD_FAILURE() << row.mesh << ": " << error.resource << ": " << error.message;
  }
  return snapshot;
}

compile::Tables tables_of(const model::Snapshot& snapshot) {
  auto tables = compile::compile_all(snapshot, {});
  EXPECT_TRUE(tables.ok()) << tables.status();
  return *std::move(tables);
}

// Plan and explanation of every table.
std::string ports_text(const model::Snapshot& snapshot, const compile::Tables& tables) {
  std::string text;
  for (const auto& [name, table] : tables.services) {
    for (const auto& port : table.ports) {
      const compile::PlanRequest request{.query = {.service = *snapshot.symbols().find(name),
                                                   .port = port.port,
                                                   .family = port.family},
                                         .client = snapshot.self()};
      const auto plan = compile::plan_port(snapshot, request, {});
      const auto explanation = compile::explain(snapshot, request, {});
      EXPECT_TRUE(plan.ok() && explanation.ok());
      text += "\n" + to_text(*plan) + "\n" + to_table(*explanation);
    }
  }
  return text;
}

void expect_golden(const std::string& name, const std::string& text) {
  const fs::path file = source_dir() / "tests/golden" / (name + ".golden");
  if (std::getenv("VICINITY_UPDATE_GOLDEN") != nullptr) std::ofstream(file) << text;
  EXPECT_EQ(text, read_text(file)) << file;
}

TEST(Golden, Stages) {
  const std::vector<GoldenRow> rows = {
      {"walkthrough", "walkthrough/00-initial.yaml", "ambient-worker"},
      {"walkthrough-local-gone", "walkthrough/05-policy-local.yaml", "ambient-worker"},
      {"dual-stack", "dual-stack.yaml", "n-a1"},
      {"named-ports", "named-ports.yaml", "n-a1"},
      {"networks", "networks.yaml", "n-a1"},
      {"shared-address", "shared-address.yaml", "n-a1"},
      {"weights", "weights.yaml", "n-a1"},
  };
  for (const GoldenRow& row : rows) {
    SCOPED_TRACE(row.mesh);
    const model::Snapshot snapshot = load(row);
    const compile::Tables tables = tables_of(snapshot);
    expect_golden(row.name,
                  to_text(snapshot) + "\n" + to_text(tables) + ports_text(snapshot, tables));
  }
}

TEST(Golden, DiffOfTwoSteps) {
  const model::Snapshot before = load({"", "walkthrough/01-delete-local.yaml", "ambient-worker"});
  const model::Snapshot after = load({"", "walkthrough/02-relabel-worker3.yaml", "ambient-worker"});
  const auto difference = compile::diff(tables_of(before), tables_of(after));
  const auto removal = compile::diff(tables_of(before), {});
  expect_golden("diff", to_text(difference) + to_text(removal));
}

TEST(Golden, Delta) {
  model::Symbols symbols;
  model::Delta delta;
  delta.removed = {"Kubernetes//Pod/shop/gone", "shop/gone.example.com"};
  const auto mesh = feed::parse_mesh(read_text(source_dir() / "tests/data/networks.yaml"));
  for (const auto& one : mesh.resources) {
    const auto decoded = feed::decode_address(one.address, one.name, symbols);
    ASSERT_TRUE(decoded.value) << one.name << feed::to_text(decoded.errors);
    if (const auto* service = std::get_if<model::Service>(&*decoded.value)) {
      delta.services.push_back(*service);
    } else {
      delta.workloads.push_back(std::get<model::Workload>(*decoded.value));
    }
  }
  expect_golden("delta", to_text(delta, symbols));
}

}  // namespace
}  // namespace vicinity
