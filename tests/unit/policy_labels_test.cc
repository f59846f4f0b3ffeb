// Which labels are fields of WDS, of a workload and of the client alike; all others are labels.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "policy/labels.h"
#include "unit/model_rows.h"

namespace vicinity::testing {
namespace {

using policy::LabelField;
using policy::LabelName;

struct Row {
  const char* label;
  LabelField field;
  const char* of_workload;
  const char* of_client;  // whose canonical names are labels, if anything
};

const std::vector<Row> kRows = {
    {"kubernetes.io/hostname", LabelField::kNode, "node-1", "node-1"},
    {"k8s.io/node", LabelField::kNode, "node-1", "node-1"},
    {"topology.kubernetes.io/zone", LabelField::kZone, "zone-1", "zone-1"},
    {"k8s.io/az", LabelField::kZone, "zone-1", "zone-1"},
    {"topology.kubernetes.io/region", LabelField::kRegion, "region-1", "region-1"},
    {"topology.istio.io/subzone", LabelField::kSubzone, "subzone-1", "subzone-1"},
    {"topology.istio.io/network", LabelField::kNetwork, "network-1", "network-1"},
    {"topology.istio.io/cluster", LabelField::kCluster, "cluster-1", "cluster-1"},
    {"service.istio.io/canonical-name", LabelField::kCanonicalName, "name-1", "client-name"},
    {"service.istio.io/canonical-revision", LabelField::kCanonicalRevision, "", ""},
    {"version", LabelField::kOther, "v1", "v2"},
    {"nobody/has", LabelField::kOther, "", ""},
};

TEST(Labels, WellKnownOnesAreFieldsOfTheFeed) {
  World world;
  world.apply({.removed = {},
               .services = {},
               .workloads = {{.uid = "a",
                              .addresses = {"10.0.0.1"},
                              .network = "network-1",
                              .cluster = "cluster-1",
                              .region = "region-1",
                              .zone = "zone-1",
                              .subzone = "subzone-1",
                              .node = "node-1",
                              .labels = {{"version", "v1"}, {"kubernetes.io/hostname", "no"}},
                              .canonical_name = "name-1"}}});
  const model::Workload& workload = *world.snapshot.find_workload("a");
  model::ClientContext client{.place = workload.place};
  client.labels = {{world.symbol("version"), world.symbol("v2")},
                   {world.symbol("service.istio.io/canonical-name"), world.symbol("client-name")}};
  std::ranges::sort(client.labels);
  const model::Symbols& symbols = world.snapshot.symbols();
  for (const Row& row : kRows) {
    const LabelName name(row.label, symbols);
    EXPECT_EQ(policy::label_field(row.label), row.field) << row.label;
    EXPECT_EQ(symbols.name(name.of(workload)), row.of_workload) << row.label;
    EXPECT_EQ(symbols.name(name.of(client)), row.of_client) << row.label;
  }
}

}  // namespace
}  // namespace vicinity::testing
