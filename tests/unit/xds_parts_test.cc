// The parts below the session: walking a payload, storing versions, waiting.
#include <google/protobuf/stubs/logging.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "feed/xds/backoff.h"
#include "feed/xds/payload.h"
#include "feed/xds/resource.h"
#include "feed/xds/resource_parser.h"
#include "feed/xds/stream.h"
#include "feed/xds/version_store.h"
#include "xds_fakes.h"

namespace vicinity::feed::xds {
namespace {

using Mark = VersionStore::Mark;

std::string sample_response() {
  ResponseBuilder builder("n-1");
  builder.add(workload("w1"), "a1").add(service("s1"), "b2").remove("gone").remove("");
  builder.message().set_system_version_info("2026/1");
  return builder.message().SerializeAsString();
}

// Whatever the chunks, the walk sees the same; chunks smaller than a tag and an empty one too.
TEST(XdsPayload, ChunkBordersDoNotMatter) {
  const std::string bytes = sample_response();
  Response expected;
  ASSERT_TRUE(expected.ParseFromString(bytes));
  for (const size_t chunk : {size_t{1}, size_t{2}, size_t{3}, size_t{16}, size_t{64}, SIZE_MAX}) {
    SCOPED_TRACE(chunk);
    Payload payload = Payload::of(bytes, chunk);
    payload.chunks.insert(payload.chunks.begin() + 1, std::string_view());
    const ResponseHeader header = read_header(payload);
    EXPECT_TRUE(header.well_formed);
    EXPECT_EQ(header.nonce, "n-1");
    EXPECT_EQ(header.type_url, kAddressType);
    EXPECT_EQ(header.resources, 2U);
    EXPECT_EQ(header.removed, (std::vector<std::string>{"gone", ""}));
    std::vector<std::string> resources;
    for_each_resource(
        payload, [&](std::string_view each, Lasts /*lasts*/) { resources.emplace_back(each); });
    ASSERT_EQ(resources.size(), 2U);
    EXPECT_EQ(resources[0], expected.resources(0).SerializeAsString());
    EXPECT_EQ(resources[1], expected.resources(1).SerializeAsString());
  }
}

// What a parser says of each resource: its name, and what it holds.
std::vector<std::string> parsed(const Payload& payload) {
  std::vector<std::string> said;
  ResourceParser parser;
  parser.for_each(payload, [&](const ParsedResource& resource) {
    std::string text = resource.view ? std::string(resource.view->name) : "malformed";
    text += resource.address == nullptr ? " none" : " " + resource.address->workload().uid();
    said.push_back(std::move(text));
  });
  return said;
}

// Every so many a workload that is none.
Response many_workloads(int count) {
  ResponseBuilder builder("n-1");
  for (int i = 0; i < count; ++i) builder.add(workload("w" + std::to_string(i)));
  for (int i = 5; i < count; i += 101) {
    builder.message().mutable_resources(i)->mutable_resource()->set_value("\xff");
  }
  for (int i = 7; i < count; i += 101) {
    builder.message().mutable_resources(i)->mutable_resource()->set_type_url("another");
  }
  return builder.message();
}

std::vector<std::string> expected_of_many(int count) {
  std::vector<std::string> expected;
  for (int i = 0; i < count; ++i) {
    const std::string name = "w" + std::to_string(i);
    const bool is_none = i % 101 == 5 || i % 101 == 7;
    expected.push_back(name + " " + (is_none ? "none" : name));
  }
  return expected;
}

TEST(XdsResourceParser, ASmallResponseInOrder) {
  const Payload payload = Payload::of(many_workloads(20).SerializeAsString(), 7);
  ASSERT_LT(payload.size, ResourceParser::kWorthAThread);
  EXPECT_EQ(parsed(payload), expected_of_many(20));
  EXPECT_EQ(parsed(Payload::of(Response().SerializeAsString())), std::vector<std::string>());
}

// Whatever the chunks: resources across their borders are copied.
TEST(XdsResourceParser, ALargeResponseInOrderByTwoThreads) {
  constexpr int kCount = 5000;
  const std::string bytes = many_workloads(kCount).SerializeAsString();
  ASSERT_GE(bytes.size(), ResourceParser::kWorthAThread);
  for (const size_t chunk : {size_t{11}, size_t{1000}, SIZE_MAX}) {
    SCOPED_TRACE(chunk);
    EXPECT_EQ(parsed(Payload::of(bytes, chunk)), expected_of_many(kCount));
  }
}

// As many as fill the last batch, and none more.
TEST(XdsResourceParser, BatchesMayEndWithTheResponse) {
  Response response;
  ASSERT_TRUE(response.ParseFromString(many_workloads(256 * 16).SerializeAsString()));
  const Payload payload = Payload::of(response.SerializeAsString());
  ASSERT_GE(payload.size, ResourceParser::kWorthAThread);
  EXPECT_EQ(parsed(payload), expected_of_many(256 * 16));
}

TEST(XdsPayload, UnknownFieldsArePassedOver) {
  const std::string bytes = "\xc8\xb2\x04\x2a" + sample_response() +
                            "\x9d\x06"
                            "abcd";
  const ResponseHeader header = read_header(Payload::of(bytes, 5));
  EXPECT_TRUE(header.well_formed);
  EXPECT_EQ(header.resources, 2U);
}

// As protobuf reads the same bytes, wherever they are cut or damaged.
TEST(XdsResource, IsReadAsProtobufReadsIt) {
  envoy::service::discovery::v3::Resource whole;
  whole.set_name("ns/host");
  whole.set_version("1f");
  whole.mutable_resource()->set_type_url(std::string(kAddressType));
  whole.mutable_resource()->set_value(
      "\x0a\x03"
      "abc");
  whole.mutable_ttl()->set_seconds(5);
  whole.add_aliases("other");
  const std::string bytes = whole.SerializeAsString();
  const google::protobuf::LogSilencer silent;
  size_t read = 0;
  const auto compare = [&](const std::string& changed) {
    envoy::service::discovery::v3::Resource expected;
    if (!expected.ParseFromString(changed)) return;
    ++read;
    EXPECT_EQ(read_resource(changed), (ResourceView{.name = expected.name(),
                                                    .version = expected.version(),
                                                    .type_url = expected.resource().type_url(),
                                                    .value = expected.resource().value()}));
  };
  compare(bytes);
  EXPECT_EQ(read, 1U);
  compare(bytes + bytes);  // of equal fields the last counts
  for (size_t at = 0; at < bytes.size(); ++at) {
    compare(bytes.substr(0, at));
    for (int value = 0; value < 256; ++value) {
      std::string changed = bytes;
      changed[at] = static_cast<char>(value);
      compare(changed);
    }
  }
  EXPECT_GT(read, 1000U);
}

TEST(XdsResource, WhatProtobufRefusesInItIsRefused) {
  const google::protobuf::LogSilencer silent;
  for (const std::string& bytes :
       {std::string("\x1a\x05"
                    "abc"),
        std::string("\x1a\x01\xff"), std::string("\x0a\x01\xff"),
        std::string("\x12\x03\x0a\x01\xff"), std::string("\x12\x02\x0a\x05"), std::string(1, '\0'),
        std::string("\x1a")}) {
    envoy::service::discovery::v3::Resource parsed;
    EXPECT_FALSE(parsed.ParseFromString(bytes));
    EXPECT_EQ(read_resource(bytes), std::nullopt) << bytes;
  }
}

TEST(XdsPayload, EmptyIsWellFormed) {
  const ResponseHeader header = read_header(Payload::of("", 5));
  EXPECT_TRUE(header.well_formed);
  EXPECT_EQ(header.resources, 0U);
}

TEST(XdsPayload, EveryTruncationIsNoticedOrAtAFieldBorder) {
  const std::string bytes = sample_response();
  Response whole;
  for (size_t length = 0; length < bytes.size(); ++length) {
    SCOPED_TRACE(length);
    Response parsed;
    const bool valid = parsed.ParseFromString(bytes.substr(0, length));
    EXPECT_EQ(read_header(Payload::of(bytes.substr(0, length), 3)).well_formed, valid);
  }
}

TEST(XdsPayload, MalformedRows) {
  using namespace std::string_literals;
  const std::vector<std::string> rows = {
      "\x12\xff\xff\xff\xff\x0f"s,      // a resource of 4 GiB
      "\x12\xff\xff\xff\x7f"s,          // of 256 MiB, not there
      "\x00\x00"s,                      // tag 0
      "\x12"s,                          // no length
      "\xff\xff\xff\xff\xff\xff\x01"s,  // no tag
      "\x0b\x08\x01"s,                  // a group that does not end
  };
  for (const std::string& row : rows) {
    EXPECT_FALSE(read_header(Payload::of(row, 2)).well_formed) << testing::PrintToString(row);
  }
}

TEST(XdsVersions, ComeBackAsTheyWere) {
  const std::vector<std::string> rows = {
      "",
      "f6519b6aab6fcdd0",
      "1c469110f59ba7c",
      "a",
      "ffffffffffffffff",
      "0",
      "00ab",
      "AB",
      "0x1",
      "2026-11-22T04:40:50Z/6",
      "10000000000000000",
      "v1",
      std::string(300, 'f'),
  };
  VersionStore store;
  for (const std::string& row : rows) {
    store.record("one", row);
    EXPECT_EQ(store.version("one"), row);
    EXPECT_EQ(store.sight("one", row).same_version, !row.empty()) << row;
    EXPECT_FALSE(store.sight("one", row + "1").same_version) << row;
  }
  store.erase("one");
  EXPECT_EQ(store.version("one"), "");
  EXPECT_EQ(store.size(), 0U);
}

TEST(XdsVersions, MarksAreCounted) {
  VersionStore store;
  store.record("a", "1");
  store.record("b", "text version");
  store.record("c", "");
  store.expect_all();
  EXPECT_EQ(store.pending(), 3U);
  store.claim("a");
  EXPECT_EQ(store.claimed(), 1U);
  EXPECT_EQ(store.pending(), 2U);
  const auto sighting = store.sight("a", "1");
  EXPECT_TRUE(sighting.known && sighting.same_version);
  EXPECT_EQ(sighting.before, Mark::kClaimed);
  EXPECT_EQ(store.claimed(), 0U);
  store.record("b", "2");
  EXPECT_EQ(store.pending(), 1U);
  store.erase("c");
  EXPECT_EQ(store.pending(), 0U);
  EXPECT_FALSE(store.sight("never", "1").known);
  EXPECT_EQ(store.size(), 2U);
}

// Lowest and highest wait of the n-th attempt in a row.
TEST(XdsBackoff, Peers_13_waits_one_to_thirty_seconds_with_jitter) {
  const std::vector<std::pair<double, double>> rows = {{1, 2},  {2, 4},   {4, 8},
                                                       {8, 16}, {15, 30}, {15, 30}};
  Backoff low([] { return 0.0; });
  Backoff high([] { return 0.999999; });
  for (const auto& [least, most] : rows) {
    EXPECT_NEAR(absl::ToDoubleSeconds(low.after(absl::ZeroDuration())), least, 0.001);
    EXPECT_NEAR(absl::ToDoubleSeconds(high.after(absl::Seconds(59))), most, 0.001);
  }
}

TEST(XdsBackoff, Peers_13_none_after_a_stream_that_lived) {
  Backoff backoff([] { return 0.5; });
  for (int i = 0; i < 5; ++i) (void)backoff.after(absl::ZeroDuration());
  EXPECT_EQ(backoff.after(absl::Minutes(30)), absl::ZeroDuration());
  EXPECT_EQ(backoff.after(absl::Seconds(5)), absl::Seconds(1.5)) << "from the start again";
}

int setting(const XdsOptions& options, const std::string& name) {
  for (const auto& [key, value] : channel_settings(options)) {
    if (key == name) return value;
  }
  return -2;
}

TEST(XdsChannel, Settings) {
  XdsOptions options;
  EXPECT_EQ(setting(options, "grpc.keepalive_time_ms"), 30'000);
  EXPECT_EQ(setting(options, "grpc.keepalive_permit_without_calls"), 0);
  EXPECT_EQ(setting(options, "grpc.use_local_subchannel_pool"), 1);
  EXPECT_EQ(setting(options, "grpc.enable_retries"), 0);
  options.keepalive = absl::Seconds(1);
  EXPECT_EQ(setting(options, "grpc.keepalive_time_ms"), 30'000) << "istiod punishes faster pings";
  options.keepalive = absl::Seconds(60);
  EXPECT_EQ(setting(options, "grpc.keepalive_time_ms"), 60'000);
}

TEST(XdsChannel, Peers_z2_receive_limit_is_one_gibibyte_unless_told_otherwise) {
  XdsOptions options;
  EXPECT_EQ(setting(options, "grpc.max_receive_message_length"), 1 << 30);
  options.max_receive_bytes = 1 << 20;
  EXPECT_EQ(setting(options, "grpc.max_receive_message_length"), 1 << 20);
}

}  // namespace
}  // namespace vicinity::feed::xds
