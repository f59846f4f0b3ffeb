// Decoding of single resources: a row is a resource in protobuf text, its name, and either the
// model's text or every error.
#include "feed/decode.h"

#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <variant>

#include "model/delta.h"
#include "proto/vicinity/labels.pb.h"

namespace vicinity::feed {
namespace {

struct Row {
  const char* name;
  std::string resource;  // its feed name
  std::string proto;     // istio.workload.Address
  std::string expected;  // to_text of the value, or of the errors

  friend void PrintTo(const Row& row, std::ostream* out) { *out << row.name; }
};

std::string decode_text(const istio::workload::Address& address, const std::string& name) {
  model::Symbols symbols;
  const DecodeResult result = decode_address(address, name, symbols);
  EXPECT_EQ(result.value.has_value(), result.errors.empty());
  if (!result.value) return to_text(result.errors);
  return std::visit([&](const auto& value) { return model::to_text(value, symbols); },
                    *result.value);
}

istio::workload::Address parse(const std::string& proto) {
  istio::workload::Address address;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(proto, &address)) << proto;
  return address;
}

class DecodeRows : public testing::TestWithParam<Row> {};

TEST_P(DecodeRows, Decode) {
  const Row& row = GetParam();
  EXPECT_EQ(decode_text(parse(row.proto), row.resource), row.expected);
}

std::string row_name(const testing::TestParamInfo<Row>& info) { return info.param.name; }

// A service or workload with just what it must have, and `more`.
std::string service(const std::string& more) {
  return "service { namespace: 'n' hostname: 'h' " + more + " }";
}
std::string workload(const std::string& more) { return "workload { uid: 'u' " + more + " }"; }

INSTANTIATE_TEST_SUITE_P(
    Good, DecodeRows,
    testing::Values(
        Row{"service_bare", "n/h", service(""), "service n/h mode=UNSPECIFIED"},
        Row{"service_whole", "n/h",
            service("name: 's' addresses { network: 'net' address: '\\012\\140\\000\\001' }"
                    "addresses { address: '\\012\\141\\000\\000' length: 16 }"
                    "ports { service_port: 80 target_port: 8080 app_protocol: GRPC }"
                    "load_balancing { mode: FAILOVER health_policy: ALLOW_ALL "
                    "routing_preference: [NETWORK, REGION, ZONE, SUBZONE, NODE, CLUSTER] }"
                    "ip_families: DUAL visibility: NAMESPACE canonical: true waypoint {}"),
            "service n/h name=s addresses=10.97.0.0/16,net/10.96.0.1 ports=80:8080 mode=FAILOVER "
            "preference=NETWORK,REGION,ZONE,SUBZONE,NODE,CLUSTER health=ALLOW_ALL families=DUAL "
            "namespace-only canonical waypoint"},
        Row{"service_equal_addresses_are_one", "n/h",
            service("addresses { address: '\\012\\000\\000\\001' }"
                    "addresses { address: '\\012\\000\\000\\001' length: 32 }"),
            "service n/h addresses=10.0.0.1 mode=UNSPECIFIED"},
        Row{"service_mapped_address_is_ipv4", "n/h",
            service("addresses { length: 120 address: "
                    "'\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\377\\377\\012\\0\\0\\0' }"),
            "service n/h addresses=10.0.0.0/24 mode=UNSPECIFIED"},
        Row{"service_ports_last_wins", "n/h",
            service("ports { service_port: 90 target_port: 1 } ports { service_port: 53 "
                    "target_port: 2 } ports { service_port: 90 target_port: 3 }"
                    "ports { service_port: 53 }"),
            "service n/h ports=53:named,90:3 mode=UNSPECIFIED"},
        Row{"service_strict_without_scopes", "n/h", service("load_balancing { mode: STRICT }"),
            "service n/h mode=STRICT"},
        Row{"service_unused_enum_is_ignored", "n/h",
            service("ports { service_port: 80 target_port: 80 app_protocol: 99 }"),
            "service n/h ports=80:80 mode=UNSPECIFIED"},
        Row{"service_ipv6_range", "n/h",
            service("addresses { length: 64 address: "
                    "'\\375\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\1' }"),
            "service n/h addresses=fd00::1/64 mode=UNSPECIFIED"},
        Row{"workload_bare", "u", workload(""), "workload u cluster=Kubernetes"},
        Row{"workload_whole", "u",
            workload(
                "name: 'w' namespace: 'n' addresses: '\\012\\364\\001\\005' addresses: "
                "'\\375\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\1' "
                "network: 'net' node: 'no' cluster_id: 'c' canonical_name: 'cn' "
                "canonical_revision: 'cr' status: UNHEALTHY network_mode: HOST_NETWORK "
                "hostname: 'x.example' locality { region: 'r' zone: 'z' subzone: 's' } "
                "capacity { value: 7 } network_gateway {} "
                "services { key: 'n/h' value { ports { service_port: 80 target_port: 8080 } } }"
                "services { key: 'a/b' value {} }"),
            "workload u namespace=n canonical=cn revision=cr hostname=x.example network=net "
            "cluster=c locality=r/z/s node=no addresses=10.244.1.5,fd00::1 "
            "services=a/b(),n/h(80:8080) capacity=7 unhealthy gateway host-network"},
        Row{"workload_that_takes_mtls_only", "u",
            workload("authorization_policies: 'istio-system/istio_converted_static_strict'"),
            "workload u cluster=Kubernetes strict-mtls"},
        Row{"workload_whose_port_takes_mtls_only", "u",
            workload("authorization_policies: 'n/converted_peer_authentication_x'"),
            "workload u cluster=Kubernetes strict-mtls"},
        Row{"workload_with_other_policies", "u",
            workload("authorization_policies: 'n/istio_converted_static_strict_not'"),
            "workload u cluster=Kubernetes"},
        Row{"workload_mapped_address_is_ipv4", "u",
            workload("addresses: '\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\377\\377\\012\\0\\0\\1'"),
            "workload u cluster=Kubernetes addresses=10.0.0.1"},
        Row{"workload_capacity_zero_is_not_unset", "u", workload("capacity {}"),
            "workload u cluster=Kubernetes capacity=0"},
        Row{"workload_port_order", "u",
            workload(
                "services { key: 'n/h' value { ports { service_port: 9 target_port: 1 } ports "
                "{ service_port: 8 target_port: 2 } ports { service_port: 9 target_port: 3 }}}"),
            "workload u cluster=Kubernetes services=n/h(8:2,9:3)"},
        Row{"workload_other_extensions_are_ignored", "u",
            workload("extensions { name: 'other' config { type_url: 'x/y' value: 'z' } }"),
            "workload u cluster=Kubernetes"},
        Row{"workload_unused_enums_are_ignored", "u",
            workload("workload_type: 77 tunnel_protocol: 99"), "workload u cluster=Kubernetes"}),
    row_name);

INSTANTIATE_TEST_SUITE_P(
    Bad, DecodeRows,
    testing::Values(
        Row{"neither", "x", "", "address: neither a workload nor a service"},
        Row{"service_without_names", "/", "service {}",
            "service.namespace: missing; service.hostname: missing"},
        Row{"service_under_another_name", "n/other", service(""),
            "service: the resource is named \"n/other\", not \"n/h\""},
        Row{"service_slashes", "a/b/c/d", "service { namespace: 'a/b' hostname: 'c/d' }",
            "service.namespace: has a slash; service.hostname: has a slash"},
        Row{"service_address_length", "n/h",
            service("addresses { address: '\\012\\000\\000\\001' } addresses { address: 'abc' }"
                    "addresses { }"),
            "service.addresses[1].address: 3 bytes long: an address has 4 or 16; "
            "service.addresses[2].address: 0 bytes long: an address has 4 or 16"},
        Row{"service_prefix_length", "n/h",
            service("addresses { address: '\\012\\000\\000\\001' length: 33 }"),
            "service.addresses[0].length: 33 bits are too many or too few for 10.0.0.1"},
        Row{"service_prefix_length_of_mapped", "n/h",
            service("addresses { length: 95 address: "
                    "'\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\377\\377\\012\\0\\0\\0' }"),
            "service.addresses[0].length: 95 bits are too many or too few for 10.0.0.0"},
        Row{"service_ports", "n/h",
            service("ports { service_port: 0 target_port: 1 } ports { service_port: 65536 "
                    "target_port: 65537 }"),
            "service.ports[0].servicePort: 0 is not a port; "
            "service.ports[1].servicePort: 65536 is not a port; "
            "service.ports[1].targetPort: 65537 is not a port"},
        Row{"service_enums", "n/h",
            service("load_balancing { mode: 9 health_policy: 8 } ip_families: 7 visibility: 6"),
            "service.loadBalancing.mode: unknown value 9; "
            "service.loadBalancing.healthPolicy: unknown value 8; "
            "service.ipFamilies: unknown value 7; service.visibility: unknown value 6"},
        Row{"service_nul", std::string("n/a\0b", 5),
            "service { namespace: 'n' hostname: 'a\\000b' }",
            "service.hostname: has a control character"},
        Row{"service_hostname_too_long", "n/" + std::string(254, 'h'),
            "service { namespace: 'n' hostname: '" + std::string(254, 'h') + "' }",
            "service.hostname: 254 bytes long: at most 253"},
        Row{"service_namespace_too_long", std::string(64, 'n') + "/h",
            "service { namespace: '" + std::string(64, 'n') + "' hostname: 'h' }",
            "service.namespace: 64 bytes long: at most 63"},
        Row{"workload_without_uid", "", "workload {}", "workload.uid: missing"},
        Row{"workload_under_another_name", "v", workload(""),
            "workload.uid: the resource is named \"v\", not \"u\""},
        Row{"workload_everything", "u",
            workload("addresses: '\\012\\000\\000\\001' addresses: 'abcde' status: 2 "
                     "network_mode: 5 node: 'a\\nb' services { key: 'x' value {} } "
                     "locality { zone: '\\001' }"),
            "workload.locality.zone: has a control character; "
            "workload.node: has a control character; "
            "workload.addresses[1]: 5 bytes long: an address has 4 or 16; "
            "workload.services[\"x\"]: the key must be namespace/hostname; "
            "workload.status: unknown value 2; workload.networkMode: unknown value 5"},
        Row{"workload_ports", "u",
            workload("services { key: 'n/h' value { ports { service_port: 80 target_port: 80 }"
                     "ports { target_port: 70000 } } }"),
            "workload.services[\"n/h\"].ports[1].servicePort: 0 is not a port; "
            "workload.services[\"n/h\"].ports[1].targetPort: 70000 is not a port"},
        Row{"workload_key_with_two_slashes", "u", workload("services { key: 'a/b/c' value {} }"),
            "workload.services[\"a/b/c\"]: the key must be namespace/hostname"},
        Row{"workload_key_without_hostname", "u", workload("services { key: 'a/' value {} }"),
            "workload.services[\"a/\"]: the key must be namespace/hostname"},
        Row{"workload_labels_of_another_type", "u",
            workload("extensions { name: 'vicinity.labels' config { type_url: 'x/y' } }"),
            "workload.extensions[0].config: is not a vicinity.workload.Labels"}),
    row_name);

TEST(Decode, KeyOfTheGreatestLengthFits) {
  const std::string hostname(253, 'h');
  const std::string name_space(63, 'n');
  const std::string key = name_space + "/" + hostname;
  ASSERT_LE(key.size(), kMaxServiceKey);
  istio::workload::Address address;
  address.mutable_service()->set_namespace_(name_space);
  address.mutable_service()->set_hostname(hostname);
  EXPECT_EQ(decode_text(address, key), "service " + key + " mode=UNSPECIFIED");
}

TEST(Decode, KeyOfABindingIsBounded) {
  istio::workload::Address address;
  address.mutable_workload()->set_uid("u");
  const std::string key = "n/" + std::string(kMaxServiceKey - 1, 'h');
  (*address.mutable_workload()->mutable_services())[key];
  EXPECT_EQ(decode_text(address, "u"),
            "workload.services[\"" + key + "\"]: 461 bytes long: at most 460");
}

TEST(Decode, Labels) {
  vicinity::workload::Labels labels;
  (*labels.mutable_labels())["app"] = "web";
  (*labels.mutable_labels())["version"] = "";
  istio::workload::Address address;
  address.mutable_workload()->set_uid("u");
  auto& extension = *address.mutable_workload()->add_extensions();
  extension.set_name("vicinity.labels");
  extension.mutable_config()->PackFrom(labels);
  EXPECT_EQ(decode_text(address, "u"), "workload u cluster=Kubernetes labels=app=web,version=");

  (*labels.mutable_labels())["bad"] = std::string("a\0b", 3);
  extension.mutable_config()->PackFrom(labels);
  *address.mutable_workload()->add_extensions() = extension;
  EXPECT_EQ(decode_text(address, "u"),
            "workload.labels[\"bad\"]: has a control character; "
            "workload.extensions[1].name: \"vicinity.labels\" stands twice");
}

TEST(Decode, ARefusedServiceLeavesNoName) {
  model::Symbols symbols;
  const auto result =
      decode_address(parse("service { namespace: 'n' hostname: 'h' }"), "n/other", symbols);
  EXPECT_FALSE(result.value.has_value());
  EXPECT_FALSE(symbols.find("n/h").has_value());
  EXPECT_FALSE(symbols.find("n/other").has_value());
}

// peers.md z8: an empty cluster id is istiod's default one.
TEST(Decode, Peers_z8) {
  EXPECT_EQ(decode_text(parse(workload("cluster_id: ''")), "u"),
            decode_text(parse(workload("cluster_id: 'Kubernetes'")), "u"));
  EXPECT_EQ(decode_text(parse(workload("cluster_id: 'other'")), "u"), "workload u cluster=other");
}

// peers.md z9: a scope that is unspecified or unknown refuses the service and says where.
TEST(Decode, Peers_z9) {
  const auto with = [](const std::string& scopes) {
    return decode_text(
        parse(service("load_balancing { mode: FAILOVER routing_preference: [" + scopes + "] }")),
        "n/h");
  };
  EXPECT_EQ(with("REGION, UNSPECIFIED_SCOPE, ZONE"),
            "service.loadBalancing.routingPreference[1]: unknown value 0");
  EXPECT_EQ(with("7, REGION, 99"),
            "service.loadBalancing.routingPreference[0]: unknown value 7; "
            "service.loadBalancing.routingPreference[2]: unknown value 99");
  EXPECT_EQ(with("REGION"), "service n/h mode=FAILOVER preference=REGION");
}

// peers.md 9: ports beyond the tenth are there.
TEST(Decode, Peers_9) {
  istio::workload::Address address = parse(service(""));
  istio::workload::Address endpoint = parse(workload("services { key: 'n/h' value {} }"));
  auto& ports = *(*endpoint.mutable_workload()->mutable_services())["n/h"].mutable_ports();
  for (uint32_t port = 20; port > 0; --port) {
    auto& added = *address.mutable_service()->add_ports();
    added.set_service_port(port);
    added.set_target_port(8000 + port);
    *ports.Add() = added;
  }
  model::Symbols symbols;
  const auto decoded = decode_address(address, "n/h", symbols);
  const auto bound = decode_address(endpoint, "u", symbols);
  ASSERT_TRUE(decoded.value && bound.value);
  const auto& service_ports = std::get<model::Service>(*decoded.value).ports;
  ASSERT_EQ(service_ports.size(), 20U);
  EXPECT_EQ(service_ports.front(), (model::Port{.service_port = 1, .target_port = 8001}));
  EXPECT_EQ(service_ports.back(), (model::Port{.service_port = 20, .target_port = 8020}));
  EXPECT_EQ(std::get<model::Workload>(*bound.value).bindings.at(0).ports, service_ports);
}

// peers.md 18: nothing follows from the word "waypoint" in a name.
TEST(Decode, Peers_18) {
  const auto named = [](const std::string& name) {
    std::string text =
        decode_text(parse("service { name: '" + name + "' namespace: 'n' hostname: '" + name +
                          "' ports { service_port: 80 target_port: 8080 } }"),
                    "n/" + name);
    for (size_t at = 0; (at = text.find(name)) != std::string::npos;)
      text.replace(at, name.size(), "X");
    return text;
  };
  EXPECT_EQ(named("my-waypoint"), named("my-service"));
  EXPECT_EQ(named("waypoint"), "service n/X name=X ports=80:8080 mode=UNSPECIFIED");
}

}  // namespace
}  // namespace vicinity::feed
