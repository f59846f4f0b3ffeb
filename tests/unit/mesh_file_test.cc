// Reading and writing mesh files: rows of text, the files under tests/data, and every state of the
// recordings there and back.
#include "feed/file/mesh_file.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <ostream>
#include <string>
#include <vector>

#include "base/documents.h"
#include "devcp/recording.h"
#include "feed/file/network_text.h"
#include "feed/file/yaml_message.h"
#include "support/gtest_support.h"

namespace vicinity::feed {
namespace {

using base::BadText;
using base::Document;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::string read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file.good()) << path;
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string data(const std::string& name) {
  return read_file(vicinity::testing::test_data_dir() / name);
}

std::vector<std::string> texts(const std::vector<ResourceError>& errors) {
  std::vector<std::string> lines;
  for (const ResourceError& each : errors) {
    lines.push_back(fmt::format("{} {}: {}", each.kind, each.resource, each.message));
  }
  return lines;
}

std::string proto_text(const google::protobuf::Message& message) {
  google::protobuf::TextFormat::Printer printer;
  printer.SetSingleLineMode(true);
  std::string text;
  EXPECT_TRUE(printer.PrintToString(message, &text));
  if (text.ends_with(' ')) text.pop_back();
  return text;
}

struct TextRow {
  const char* name;
  std::string text;
  std::string expected;
  friend void PrintTo(const TextRow& row, std::ostream* out) { *out << row.name; }
};

std::string row_name(const ::testing::TestParamInfo<TextRow>& info) { return info.param.name; }

// --- documents: "number@line:text" with newlines as '|' ---

class Documents : public ::testing::TestWithParam<TextRow> {};

TEST_P(Documents, Split) {
  std::string got;
  for (const Document& document : base::split_documents(GetParam().text)) {
    got += fmt::format("{}@{}:{};", document.number, document.line, document.text);
  }
  std::replace(got.begin(), got.end(), '\n', '|');
  EXPECT_EQ(got, GetParam().expected);
}

INSTANTIATE_TEST_SUITE_P(
    Rows, Documents,
    ::testing::Values(TextRow{"nothing", "", ""}, TextRow{"only_comments", "# a\n---\n  # b\n", ""},
                      TextRow{"one", "a: b", "1@1:a: b|;"},
                      TextRow{"two", "a\n---\nb\n", "1@1:a|;2@2:   |b|;"},
                      TextRow{"leading_marker", "---\na\n", "1@1:   |a|;"},
                      TextRow{"on_the_marker_line", "--- {a: b}\n", "1@1:    {a: b}|;"},
                      TextRow{"end_marker", "a\n...\nb\n", "1@1:a|;2@3:b|;"},
                      TextRow{"directive", "%YAML 1.2\n---\na\n", "1@2:   |a|;"},
                      TextRow{"not_a_marker", "----\n---x\n - ---\n", "1@1:----|---x| - ---|;"},
                      TextRow{"carriage_returns", "a\r\n---\r\nb\r\n", "1@1:a\r|;2@2:   \r|b\r|;"},
                      TextRow{"byte_order_mark", "\xef\xbb\xbf---\na\n", "1@1:   |a|;"},
                      TextRow{"empty_documents_have_no_number", "---\n---\na\n---\n# x\n---\nb\n",
                              "1@2:   |a|;2@6:   |b|;"}),
    row_name);

class Encoding : public ::testing::TestWithParam<TextRow> {};

TEST_P(Encoding, Check) {
  const BadText bad = base::check_encoding({.number = 1, .line = 10, .text = GetParam().text});
  EXPECT_EQ(bad.message.empty() ? "" : fmt::format("{}: {}", bad.line, bad.message),
            GetParam().expected);
}

INSTANTIATE_TEST_SUITE_P(
    Rows, Encoding,
    ::testing::Values(TextRow{"ascii", "a\tb\r\n", ""},
                      TextRow{"all_lengths", "\xc3\xa4 \xe2\x82\xac \xf0\x9f\x8c\x8d\n", ""},
                      TextRow{"end_of_transmission", "a\nb\x04", "11: control character 0x04"},
                      TextRow{"zero", std::string("\n\n\0", 3), "12: control character 0x00"},
                      TextRow{"latin1", "a\n\xe4\n", "11: is not UTF-8"},
                      TextRow{"cut_off", "\xe2\x82", "10: is not UTF-8"},
                      TextRow{"overlong", "\xc0\xaf", "10: is not UTF-8"},
                      TextRow{"surrogate", "\xed\xa0\x80", "10: is not UTF-8"},
                      TextRow{"beyond", "\xf4\x90\x80\x80", "10: is not UTF-8"}),
    row_name);

// --- addresses ---

class NetworkText : public ::testing::TestWithParam<TextRow> {};

TEST_P(NetworkText, ParseAndPrint) {
  const auto address = parse_network_address(GetParam().text);
  EXPECT_EQ(address.ok() ? network_address_text(*address)
                         : "error: " + std::string(base::message(address.status())),
            GetParam().expected);
}

INSTANTIATE_TEST_SUITE_P(
    Rows, NetworkText,
    ::testing::Values(
        TextRow{"ipv4", "10.0.0.1", "10.0.0.1"}, TextRow{"ipv6", "fd00::1", "fd00::1"},
        TextRow{"network", "net1/10.0.0.1", "net1/10.0.0.1"},
        TextRow{"length", "10.0.0.0/8", "10.0.0.0/8"},
        TextRow{"all", "net-1.x/fd00::/64", "net-1.x/fd00::/64"},
        TextRow{"mapped", "::ffff:10.0.0.1", "10.0.0.1"},
        TextRow{"mapped_length", "::ffff:10.0.0.0/104", "10.0.0.0/8"},
        TextRow{"numeric_network", "7/10.0.0.1", "7/10.0.0.1"},
        TextRow{"ip_is_no_network", "10.0.0.1/10.0.0.2",
                "error: \"10.0.0.2\" is not a prefix length from 0 to 32"},
        TextRow{"too_long", "10.0.0.1/33", "error: \"33\" is not a prefix length from 0 to 32"},
        TextRow{"too_short_for_mapped", "::ffff:10.0.0.1/95",
                "error: \"95\" is not a prefix length from 96 to 128"},
        TextRow{"negative", "10.0.0.1/-1", "error: \"-1\" is not a prefix length from 0 to 32"},
        TextRow{"no_length", "10.0.0.1/", "error: \"\" is not a prefix length from 0 to 32"},
        TextRow{"no_network", "/10.0.0.1", "error: \"/10.0.0.1\" has an empty network name"},
        TextRow{"no_address", "net1/", "error: \"\" is not an IP address"},
        TextRow{"nothing", "", "error: \"\" is not an IP address"},
        TextRow{"a_name", "example.com", "error: \"example.com\" is not an IP address"}),
    row_name);

// --- one document: the proto's text, or what is wrong ---

class OneDocument : public ::testing::TestWithParam<TextRow> {};

TEST_P(OneDocument, Read) {
  const MeshFile file = parse_mesh(GetParam().text);
  ASSERT_EQ(file.resources.size() + file.errors.size(), 1U);
  EXPECT_EQ(file.errors.empty() ? proto_text(file.resources[0].address) : texts(file.errors)[0],
            GetParam().expected);
}

std::string in_workload(const std::string& members) { return "workload:\n  uid: u\n" + members; }
std::string in_service(const std::string& members) {
  return "service:\n  namespace: n\n  hostname: h\n" + members;
}

INSTANTIATE_TEST_SUITE_P(
    Good, OneDocument,
    ::testing::Values(
        TextRow{"workload_scalars",
                in_workload("  name: 5\n  nativeTunnel: true\n  capacity: 3\n"
                            "  status: UNHEALTHY\n  node: \"a b\"\n"),
                "workload { name: \"5\" node: \"a b\" native_tunnel: true status: UNHEALTHY "
                "uid: \"u\" capacity { value: 3 } }"},
        TextRow{
            "flow", "workload: {uid: u, addresses: [10.0.0.1, \"::1\"]}",
            "workload { addresses: \"\\n\\000\\000\\001\" addresses: "
            "\"\\000\\000\\000\\000\\000\\000\\000\\000\\000\\000\\000\\000\\000\\000\\000\\001\" "
            "uid: \"u\" }"},
        TextRow{"null_is_unset", in_workload("  network:\n  locality: ~\n  services: null\n"),
                "workload { uid: \"u\" }"},
        TextRow{"empty_text", in_workload("  network: \"\"\n"), "workload { uid: \"u\" }"},
        TextRow{"empty_message_is_set", in_workload("  locality: {}\n"),
                "workload { uid: \"u\" locality { } }"},
        TextRow{"capacity_zero", in_workload("  capacity: 0\n"),
                "workload { uid: \"u\" capacity { } }"},
        TextRow{"unknown_number_for_decode", in_workload("  workloadType: 99\n"),
                "workload { workload_type: 99 uid: \"u\" }"},
        TextRow{"binding_without_ports", in_workload("  services: {a/b: }\n"),
                "workload { uid: \"u\" services { key: \"a/b\" value { } } }"},
        TextRow{"anchors", in_workload("  name: &x one\n  node: *x\n"),
                "workload { name: \"one\" node: \"one\" uid: \"u\" }"},
        TextRow{"nested",
                in_service("  waypoint: {address: net1/10.0.0.1, hboneMtlsPort: 15008}\n"
                           "  weightedWaypoints:\n"
                           "  - destination: {hostname: {namespace: a, hostname: b}}\n"
                           "    weight: 2\n"),
                "service { namespace: \"n\" hostname: \"h\" waypoint { address { network: \"net1\" "
                "address: \"\\n\\000\\000\\001\" } hbone_mtls_port: 15008 } weighted_waypoints { "
                "destination { hostname { namespace: \"a\" hostname: \"b\" } } weight: 2 } }"},
        TextRow{"load_balancing",
                in_service("  loadBalancing: {mode: STRICT, routingPreference: [NODE, ZONE]}\n"),
                "service { namespace: \"n\" hostname: \"h\" load_balancing { routing_preference: "
                "NODE routing_preference: ZONE mode: STRICT } }"},
        TextRow{"labels", in_workload("  labels: {b: two, a: 1}\n"),
                "workload { uid: \"u\" extensions { name: \"vicinity.labels\" config { "
                "type_url: \"type.googleapis.com/vicinity.workload.Labels\" value: "
                "\"\\n\\006\\n\\001a\\022\\0011\\n\\010\\n\\001b\\022\\003two\" } } }"},
        TextRow{"other_extension",
                in_workload("  extensions: [{name: x, config: {typeUrl: a/b, value: AQI=}}]\n"),
                "workload { uid: \"u\" extensions { name: \"x\" config { type_url: \"a/b\" value: "
                "\"\\001\\002\" } } }"}),
    row_name);

INSTANTIATE_TEST_SUITE_P(
    Bad, OneDocument,
    ::testing::Values(
        TextRow{"enum", in_workload("  status: HEALTHYY\n"),
                "workload document 1 (line 3): workload.status: unknown value HEALTHYY"},
        TextRow{"several", in_workload("  status: X\n  colour: red\n  capacity: -1\n"),
                "workload document 1 (line 3): workload.status: unknown value X; line 4: "
                "workload.colour: unknown field; line 5: workload.capacity: \"-1\" is not a number "
                "from 0 to 4294967295"},
        TextRow{"proto_name_is_not_json_name", in_workload("  cluster_id: c\n"),
                "workload document 1 (line 3): workload.cluster_id: unknown field"},
        TextRow{"duplicate", in_workload("  node: a\n  node: b\n"),
                "workload document 1 (line 4): workload: duplicate key \"node\""},
        TextRow{"duplicate_binding", in_workload("  services: {a/b: {}, a/b: {}}\n"),
                "workload document 1 (line 3): workload.services: duplicate key \"a/b\""},
        TextRow{"duplicate_label", in_workload("  labels: {a: 1, a: 2}\n"),
                "workload document 1 (line 3): workload.labels: duplicate key \"a\""},
        TextRow{"address", in_workload("  addresses: [10.0.0.1, net/10.0.0.2]\n"),
                "workload document 1 (line 3): workload.addresses[1]: \"net/10.0.0.2\" is not an "
                "IP address"},
        TextRow{"service_address", in_service("  addresses: [{network: a}]\n"),
                "service document 1 (line 4): service.addresses[0]: must be an address, "
                "[network/]ip[/length]"},
        TextRow{"deep", in_workload("  services: {a/b: {ports: [{servicePort: x}]}}\n"),
                "workload document 1 (line 3): workload.services[\"a/b\"].ports[0].servicePort: "
                "\"x\" is not a number from 0 to 4294967295"},
        TextRow{"list_wanted", in_workload("  addresses: 10.0.0.1\n"),
                "workload document 1 (line 3): workload.addresses: must be a list"},
        TextRow{"mapping_wanted", in_workload("  locality: eu\n"),
                "workload document 1 (line 3): workload.locality: must be a mapping"},
        TextRow{"value_wanted", in_workload("  node: [a]\n"),
                "workload document 1 (line 3): workload.node: must be one value"},
        TextRow{"null_in_a_list", in_workload("  addresses: [~]\n"),
                "workload document 1 (line 3): workload.addresses[0]: must be one value"},
        TextRow{"bool", in_service("  canonical: yes\n"),
                "service document 1 (line 4): service.canonical: \"yes\" is neither true nor "
                "false"},
        TextRow{"oneof", in_service("  waypoint: {hostname: {}, address: 10.0.0.1}\n"),
                "service document 1 (line 4): service.waypoint.address: excludes "
                "service.waypoint.hostname"},
        TextRow{"labels_of_a_service", in_service("  labels: {a: b}\n"),
                "service document 1 (line 4): service.labels: unknown field"},
        TextRow{"label_value", in_workload("  labels: {a: [b]}\n"),
                "workload document 1 (line 3): workload.labels[\"a\"]: must be one value"},
        TextRow{"what_decoding_refuses_too",
                in_workload("  colour: red\n  services: {x: {ports: [{servicePort: 0}]}}\n"),
                "workload document 1 (line 3): workload.colour: unknown field; line 1: "
                "workload.services[\"x\"]: the key must be namespace/hostname"},
        TextRow{"said_once", in_workload("  services: {a/b: {ports: [{servicePort: x}]}}\n"),
                "workload document 1 (line 3): workload.services[\"a/b\"].ports[0].servicePort: "
                "\"x\" is not a number from 0 to 4294967295"},
        TextRow{"no_uid", "workload:\n  name: x\n",
                "workload document 1 (line 1): workload.uid: missing"},
        TextRow{"no_names", "service: {}\n",
                "service document 1 (line 1): service.namespace: missing; service.hostname: "
                "missing"},
        TextRow{"two_keys", "service: {}\nworkload: {}\n",
                "address document 1 (line 1): must have exactly one key, service or workload"},
        TextRow{"another_key", "\npod: {}\n",
                "address document 1 (line 2): unknown key \"pod\": must be service or workload"},
        TextRow{"scalar", "hello\n",
                "address document 1 (line 1): must have exactly one key, service or workload"},
        TextRow{"merge_key", in_workload("  <<: {node: a}\n"),
                "workload document 1 (line 3): workload.<<: unknown field"},
        TextRow{"key_that_is_a_list", in_workload("  ? [a]\n  : b\n"),
                "workload document 1 (line 3): workload: has a key that is not text"},
        TextRow{"malformed", "workload: {uid: u\n",
                "address document 1 (line 2): malformed YAML: end of map flow not found"},
        TextRow{"undefined_alias", in_workload("  node: *x\n"),
                "address document 1 (line 3): malformed YAML: the referenced anchor is not "
                "defined"},
        TextRow{"not_utf8", "workload:\n  uid: \xff\n",
                "address document 1 (line 2): is not UTF-8"}),
    row_name);

// --- whole files ---

TEST(MeshFile, GarbageIsListedAndTheRestLoads) {
  const MeshFile file = parse_mesh(data("garbage.yaml"));
  EXPECT_THAT(
      texts(file.errors),
      ElementsAre(
          "workload document 2 (line 11): workload.status: unknown value HEALTHYY; line 12: "
          "workload.capacity: \"many\" is not a number from 0 to 4294967295; line 13: "
          "workload.colour: unknown field; line 14: workload.addresses[0]: \"10.244.1.300\" is "
          "not an IP address; line 14: workload.addresses[1]: \"net1/10.244.1.1\" is not an IP "
          "address",
          "address document 3 (line 17): malformed YAML: end of sequence flow not found",
          "address document 4 (line 18): unknown key \"pod\": must be service or workload",
          "service document 5 (line 23): service: duplicate key \"name\"",
          "service document 6 (line 27): service shop/good.shop.svc.cluster.local is already in "
          "document 1",
          "address document 7 (line 32): must have exactly one key, service or workload",
          "workload document 8 (line 35): workload.uid: missing"));
  std::vector<std::string> names;
  for (const auto& each : file.resources) names.push_back(each.name);
  EXPECT_THAT(names,
              ElementsAre("shop/good.shop.svc.cluster.local", "Kubernetes//Pod/shop/good-1"));
  EXPECT_THAT(file.refused,
              ElementsAre("Kubernetes//Pod/shop/bad-fields", "shop/twice.shop.svc.cluster.local",
                          "shop/good.shop.svc.cluster.local"));
  EXPECT_EQ(file.unnamed, 4U);
}

TEST(MeshFile, LoadsIntoASnapshot) {
  model::Snapshot snapshot("n-a1");
  EXPECT_THAT(load_mesh_into(snapshot, data("networks.yaml")), IsEmpty());
  EXPECT_EQ(to_text(snapshot),
            "self network=net1 cluster=Kubernetes locality=eu/eu-a/a1 node=n-a1\n"
            "service shop/spread.example.com name=spread "
            "addresses=net1/10.96.8.1,net1/10.97.0.0/16,net2/10.96.8.1 ports=80:8080 "
            "mode=FAILOVER preference=NETWORK,REGION,ZONE\n"
            "workload Kubernetes//Pod/shop/spread-1 namespace=shop network=net1 "
            "cluster=Kubernetes locality=eu/eu-a/a1 node=n-a1 addresses=10.244.1.31 "
            "services=shop/spread.example.com(80:8080) labels=app=spread,version=v1\n"
            "workload other/Pod/shop/spread-2 namespace=shop network=net2 cluster=other "
            "locality=eu/eu-b addresses=10.244.1.31 services=shop/spread.example.com(80:8080) "
            "gateway\n"
            "workload other/vm/shop/spread-3 namespace=shop network=net3 cluster=Kubernetes "
            "locality=us/us-a addresses=198.51.100.7 services=shop/spread.example.com(80:8080) "
            "capacity=3\n");
}

TEST(MeshFile, WhatDecodeRefusesIsReportedByDocument) {
  model::Snapshot snapshot("n");
  const auto errors = load_mesh_into(
      snapshot, "workload: {uid: a}\n---\nworkload:\n  uid: b\n  status: 9\n  services: {x: {}}\n");
  EXPECT_THAT(texts(errors),
              ElementsAre("workload document 2 (line 3): workload.services[\"x\"]: the key must be "
                          "namespace/hostname; workload.status: unknown value 9"));
  EXPECT_EQ(snapshot.workload_count(), 1U);
}

// Which of the two is meant cannot be known, so the last good version stays.
TEST(MeshFile, AnEarlierRefusedDocumentKeepsItsName) {
  const MeshFile file = parse_mesh(
      "workload: {uid: a, colour: red}\n---\nworkload: {uid: a}\n---\nworkload: {uid: b}\n");
  ASSERT_EQ(file.resources.size(), 1U);
  EXPECT_EQ(file.resources[0].name, "b");
  EXPECT_THAT(texts(file.errors),
              ElementsAre("workload document 1 (line 1): workload.colour: unknown field",
                          "workload document 2 (line 3): workload a is already in document 1"));
}

TEST(MeshFile, OurDataIsGood) {
  for (const char* name :
       {"dual-stack.yaml", "named-ports.yaml", "shared-address.yaml", "networks.yaml"}) {
    model::Snapshot snapshot("n-a1");
    EXPECT_THAT(texts(load_mesh_into(snapshot, data(name))), IsEmpty()) << name;
    EXPECT_GE(snapshot.service_count(), 1U) << name;
    EXPECT_GE(snapshot.workload_count(), 1U) << name;
  }
}

std::vector<istio::workload::Address> addresses(const std::vector<NamedAddress>& resources) {
  std::vector<istio::workload::Address> all;
  for (const auto& each : resources) all.push_back(each.address);
  return all;
}

// Name -> bytes, which is all there is to a resource.
std::map<std::string, std::string> content(const std::vector<NamedAddress>& resources) {
  std::map<std::string, std::string> bytes;
  for (const auto& each : resources) bytes[each.name] = stable_bytes(each.address);
  return bytes;
}

void expect_round_trip(const std::vector<NamedAddress>& resources) {
  const std::string text = write_mesh(addresses(resources));
  const MeshFile again = parse_mesh(text);
  EXPECT_THAT(texts(again.errors), IsEmpty()) << text;
  EXPECT_EQ(content(again.resources), content(resources)) << text;
}

TEST(MeshFile, DataGoesRound) {
  for (const char* name :
       {"dual-stack.yaml", "named-ports.yaml", "shared-address.yaml", "networks.yaml"}) {
    SCOPED_TRACE(name);
    expect_round_trip(parse_mesh(data(name)).resources);
  }
}

TEST(MeshFile, AwkwardNamesGoRound) {
  std::vector<NamedAddress> resources;
  for (const std::string text :
       {"null", "~", "true", "5", "- a", "a: b", "a #b", "\"q\"", "'", "{}", "a, b", "*x", "&y",
        "!t", "%d", "---", "\xc3\xa4", " blank "}) {
    NamedAddress each{.name = text, .address = {}};
    auto& workload = *each.address.mutable_workload();
    workload.set_uid(text);
    workload.set_node(text);
    (*workload.mutable_services())[text];
    workload.add_authorization_policies(text);
    resources.push_back(std::move(each));
  }
  expect_round_trip(resources);
}

TEST(MeshFile, EveryRecordedStateGoesRound) {
  VICINITY_RECORDINGS_OR_SKIP(const auto recordings);
  int states = 0;
  for (const auto& folder : std::filesystem::directory_iterator(recordings)) {
    if (!folder.is_directory()) continue;
    SCOPED_TRACE(folder.path());
    VICINITY_ASSERT_OK_AND_ASSIGN(const auto steps, devcp::load_recording(folder.path()));
    for (size_t i = 1; i <= steps.size(); ++i, ++states) {
      VICINITY_ASSERT_OK_AND_ASSIGN(const auto state,
                                    devcp::state_after(std::span(steps).first(i)));
      expect_round_trip(state);
    }
  }
  EXPECT_GE(states, 42);
}

// The demo and the tests use our copy; it must not drift from what was recorded.
TEST(MeshFile, WalkthroughIsTheRecordedOne) {
  VICINITY_RECORDINGS_OR_SKIP(const auto recordings);
  const auto ours = vicinity::testing::test_data_dir() / "walkthrough";
  VICINITY_ASSERT_OK_AND_ASSIGN(const auto steps,
                                devcp::load_recording(recordings / "walkthrough"));
  VICINITY_ASSERT_OK_AND_ASSIGN(const auto meshes, devcp::load_mesh_steps(ours));
  ASSERT_EQ(meshes.size(), steps.size());
  for (size_t i = 0; i < steps.size(); ++i) {
    EXPECT_EQ(meshes[i].name, steps[i].name);
    VICINITY_ASSERT_OK_AND_ASSIGN(const auto state,
                                  devcp::state_after(std::span(steps).first(i + 1)));
    EXPECT_EQ(content(std::get<std::vector<NamedAddress>>(meshes[i].content)), content(state))
        << steps[i].name;
  }
  EXPECT_EQ(read_file(ours / "expected.yaml"),
            read_file(recordings / "walkthrough" / "expected.yaml"));
}

TEST(MeshFile, WalkthroughIsWholeWithoutTheRecording) {
  VICINITY_ASSERT_OK_AND_ASSIGN(
      const auto meshes,
      devcp::load_mesh_steps(vicinity::testing::test_data_dir() / "walkthrough"));
  ASSERT_EQ(meshes.size(), 10U);
  for (const auto& step : meshes) {
    model::Snapshot snapshot("ambient-worker");
    const auto text = data("walkthrough/" + step.name + ".yaml");
    EXPECT_THAT(texts(load_mesh_into(snapshot, text)), IsEmpty()) << step.name;
    EXPECT_EQ(snapshot.service_count(), 1U) << step.name;
  }
}

}  // namespace
}  // namespace vicinity::feed
