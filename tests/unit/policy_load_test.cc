// Policy documents from text: what is refused, what is only said, what replaces what.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "policy/book/load.h"
#include "policy/book/store.h"

namespace vicinity::policy::book {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> texts(const std::vector<Finding>& findings) {
  std::vector<std::string> lines;
  for (const Finding& finding : findings) lines.push_back(to_text(finding));
  return lines;
}

Load load_text(const std::string& text) {
  return load(std::vector<FileText>{{.file = "p.yaml", .text = text}});
}

std::string rule(const std::string& name, const std::string& policy) {
  return "apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {name: " + name +
         ", namespace: ns}\nspec:\n  host: svc.ns.svc.cluster.local\n  trafficPolicy:\n" + policy;
}

struct Row {
  const char* what;
  std::string text;
  std::vector<std::string> findings;
};

const char* const kGood = "    loadBalancer: {simple: RANDOM}\n";

std::vector<Row> document_rows() {
  return {
      {"a good one", rule("a", kGood), {}},
      {"malformed", "a: [", {"p.yaml:2: error: malformed YAML: end of sequence flow not found"}},
      {"a key twice", "kind: A\nkind: B\n", {"p.yaml:2: error: the key \"kind\" stands twice"}},
      {"no policy at all",
       "a: b\n",
       {"p.yaml:1: error: no policy: has neither apiVersion and kind nor a policy's own fields"}},
      {"Kubernetes' own",
       "apiVersion: apps/v1\nkind: Deployment\n",
       {"p.yaml:1: warning: kind: Deployment is no policy: services and pods come from the feed"}},
      {"unknown group",
       "apiVersion: example.org/v1\nkind: Thing\n",
       {"p.yaml:1: error: kind: Thing of example.org is not a policy that is known here"}},
      {"misspelt kind",
       "apiVersion: networking.istio.io/v1\nkind: DestinationRul\nmetadata: {name: a}\n",
       {"p.yaml:1: error: DestinationRul default/a: kind: DestinationRul is not a kind of "
        "networking.istio.io"}},
      {"unknown version",
       "apiVersion: networking.istio.io/v2\nkind: DestinationRule\nmetadata: {name: a, namespace: "
       "n}\nspec: {host: h}\n",
       {"p.yaml:1: error: DestinationRule n/a: apiVersion: 'v2' is not one of v1, v1beta1, "
        "v1alpha3"}},
      {"no name",
       "apiVersion: networking.istio.io/v1\nkind: DestinationRule\nspec: {host: h}\n",
       {"p.yaml:1: error: DestinationRule: metadata.name: missing"}},
      {"several at once, each with its line and path",
       rule("a",
            "    loadBalancer:\n      simple: FAST\n      colour: red\n"
            "    outlierDetection: {minHealthPercent: 101}\n"),
       {"p.yaml:8: error: DestinationRule ns/a: spec.trafficPolicy.loadBalancer.simple: 'FAST' is "
        "not one of RANDOM, ROUND_ROBIN, LEAST_REQUEST, LEAST_CONN, PASSTHROUGH, UNSPECIFIED",
        "p.yaml:9: error: DestinationRule ns/a: spec.trafficPolicy.loadBalancer.colour: unknown "
        "field",
        "p.yaml:10: error: DestinationRule ns/a: "
        "spec.trafficPolicy.outlierDetection.minHealthPercent: '101' is not a whole number from 0 "
        "to 100"}},
      {"the same document twice",
       rule("a", kGood) + "---\n" + rule("a", kGood),
       {"p.yaml:9: error: DestinationRule ns/a: is already in p.yaml:1"}},
      {"the one beside it is not affected",
       rule("a", kGood) + "---\nx: [\n---\n" + rule("b", kGood),
       {"p.yaml:10: error: malformed YAML: end of sequence flow not found"}},
      {"empty",
       "",
       {"p.yaml:0: error: empty file: what it had before stays; remove the file to remove that"}},
  };
}

TEST(PolicyLoad, Documents) {
  for (const Row& row : document_rows()) {
    EXPECT_EQ(texts(load_text(row.text).findings), row.findings) << row.what;
  }
}

std::vector<std::string> names(const Store& store) {
  std::vector<std::string> names;
  for (const Document& document : store.documents()) {
    names.push_back(to_text(document.id) + "@" + std::to_string(document.text.size()));
  }
  return names;
}

TEST(PolicyStore, ABadDocumentNeverDisplacesTheGoodOne) {
  const std::string first = rule("a", kGood);
  const std::string second = rule("b", kGood);
  Store store;
  EXPECT_TRUE(store.update(load_text(first + "---\n" + second)));
  const auto both = names(store);
  ASSERT_EQ(both.size(), 2U);
  EXPECT_FALSE(store.update(load_text(first + "---\n" + second)));

  // Refused by name.
  EXPECT_FALSE(store.update(load_text(first + "---\n" + rule("b", "    nonsense: 1\n"))));
  EXPECT_EQ(names(store), both);
  EXPECT_EQ(store.refused(), 1U);
  EXPECT_EQ(store.kept(), 1U);
  // Not even nameable: nothing of its file goes.
  EXPECT_FALSE(store.update(load_text(first + "---\nx: [\n")));
  EXPECT_EQ(names(store), both);
  EXPECT_FALSE(store.update(load_text("")));
  EXPECT_EQ(names(store), both);

  EXPECT_TRUE(store.update(load_text(first)));
  EXPECT_THAT(names(store), ElementsAre(both[0]));
  EXPECT_EQ(store.kept(), 0U);
  EXPECT_TRUE(store.update(load_text("---\n")));
  EXPECT_THAT(names(store), IsEmpty());
}

TEST(PolicyStore, AnUnclearFileKeepsOnlyItsOwnDocuments) {
  const FileText a{.file = "a.yaml", .text = rule("a", kGood)};
  const FileText b{.file = "b.yaml", .text = rule("b", kGood)};
  Store store;
  EXPECT_TRUE(store.update(load(std::vector<FileText>{a, b})));
  EXPECT_TRUE(store.update(load(std::vector<FileText>{{.file = "a.yaml", .text = "x: ["}})));
  ASSERT_EQ(store.documents().size(), 1U);
  EXPECT_EQ(store.documents()[0].id.name, "a");
}

}  // namespace
}  // namespace vicinity::policy::book
