// The definitions in proto/ against a real istiod's bytes and their JSON form, and against fields
// they do not know. The recordings lie beside the repository; without them the rows here remain.
#include <gmock/gmock.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/util/json_util.h>
#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "proto/discovery.pb.h"
#include "proto/vicinity/labels.pb.h"
#include "proto/workload.pb.h"
#include "support/gtest_support.h"
#include "support/paths.h"

namespace vicinity {
namespace {

namespace fs = std::filesystem;
using envoy::service::discovery::v3::DeltaDiscoveryRequest;
using envoy::service::discovery::v3::DeltaDiscoveryResponse;
using google::protobuf::util::MessageDifferencer;
using istio::workload::Address;

fs::path recordings() { return testing::source_dir() / "../shared/wds"; }

std::string read(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file.is_open()) << path;
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<fs::path> files(std::string_view ending) {
  std::vector<fs::path> found;
  if (!fs::exists(recordings())) return found;
  for (const auto& entry : fs::recursive_directory_iterator(recordings())) {
    if (entry.path().string().ends_with(ending)) found.push_back(entry.path());
  }
  std::ranges::sort(found);
  return found;
}

// Messages, each preceded by its length as a varint.
std::vector<DeltaDiscoveryResponse> parse_recording(const std::string& bytes) {
  std::vector<DeltaDiscoveryResponse> messages;
  google::protobuf::io::CodedInputStream input(reinterpret_cast<const uint8_t*>(bytes.data()),
                                               static_cast<int>(bytes.size()));
  uint32_t length = 0;
  while (input.ReadVarint32(&length)) {
    const auto limit = input.PushLimit(static_cast<int>(length));
    EXPECT_TRUE(messages.emplace_back().ParseFromCodedStream(&input));
    input.PopLimit(limit);
  }
  return messages;
}

// Where one JSON object ends that begins at `text[0]`.
size_t object_length(std::string_view text) {
  int depth = 0;
  bool quoted = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted) {
      if (c == '\\') ++i;
      quoted = c != '"';
    } else if (c == '"') {
      quoted = true;
    } else if (c == '{') {
      ++depth;
    } else if (c == '}' && --depth == 0) {
      return i + 1;
    }
  }
  return text.size();
}

template <class Message>
std::vector<Message> parse_json(std::string_view text) {
  std::vector<Message> messages;
  for (size_t at = text.find('{'); at != std::string_view::npos; at = text.find('{')) {
    text.remove_prefix(at);
    const size_t length = object_length(text);
    const auto status = google::protobuf::util::JsonStringToMessage({text.data(), length},
                                                                    &messages.emplace_back());
    EXPECT_TRUE(status.ok()) << status.ToString();
    text.remove_prefix(length);
  }
  return messages;
}

TEST(Proto, RecordingsEqualTheirJson) {
  if (!fs::exists(recordings())) {
    VICINITY_SKIP_OR_FAIL("SKIPPED-NO-RECORDINGS: " + recordings().string() + " is not there");
  }
  size_t resources = 0;
  for (const fs::path& path : files(".pb")) {
    SCOPED_TRACE(path);
    const auto messages = parse_recording(read(path));
    const auto expected =
        parse_json<DeltaDiscoveryResponse>(read(fs::path(path).replace_extension(".json")));
    ASSERT_EQ(messages.size(), expected.size());
    for (size_t i = 0; i < messages.size(); ++i) {
      std::string difference;
      MessageDifferencer differencer;
      differencer.ReportDifferencesToString(&difference);
      EXPECT_TRUE(differencer.Compare(expected[i], messages[i])) << difference;
      resources += static_cast<size_t>(messages[i].resources_size());
    }
  }
  EXPECT_GT(resources, 100U);
}

// Istiod's own encoder wrote fields in order, so equal bytes mean that nothing was lost.
TEST(Proto, RecordedResourcesHaveNoUnknownFields) {
  if (!fs::exists(recordings())) {
    VICINITY_SKIP_OR_FAIL("SKIPPED-NO-RECORDINGS: " + recordings().string() + " is not there");
  }
  for (const fs::path& path : files(".pb")) {
    SCOPED_TRACE(path);
    for (const DeltaDiscoveryResponse& message : parse_recording(read(path))) {
      EXPECT_TRUE(message.GetReflection()->GetUnknownFields(message).empty());
      for (const auto& resource : message.resources()) {
        Address address;
        ASSERT_TRUE(resource.resource().UnpackTo(&address)) << resource.name();
        EXPECT_EQ(address.ByteSizeLong(), resource.resource().value().size()) << resource.name();
        const auto& inner =
            address.has_workload()
                ? address.workload().GetReflection()->GetUnknownFields(address.workload())
                : address.service().GetReflection()->GetUnknownFields(address.service());
        EXPECT_TRUE(inner.empty()) << resource.name();
      }
    }
  }
}

TEST(Proto, RecordedRequestIsUnderstood) {
  if (!fs::exists(recordings())) {
    VICINITY_SKIP_OR_FAIL("SKIPPED-NO-RECORDINGS: " + recordings().string() + " is not there");
  }
  const auto paths = files(".request.json");
  ASSERT_FALSE(paths.empty());
  for (const fs::path& path : paths) {
    const auto requests = parse_json<DeltaDiscoveryRequest>(read(path));
    ASSERT_EQ(requests.size(), 1U) << path;
    EXPECT_TRUE(requests[0].node().id().starts_with("ztunnel~"));
    EXPECT_GT(requests[0].initial_resource_versions_size(), 10);
  }
}

struct UnknownRow {
  std::string_view name;
  std::string bytes;
};

// Field 9001, a varint; field 9002, a string; inside a workload, field 999 as fixed32.
const std::vector<UnknownRow>& unknown_rows() {
  static const auto& rows = *new std::vector<UnknownRow>{
      {"varint beside a workload", "\x0a\x04\xa2\x01\x01u\xc8\xb2\x04\x2a"},
      {"string alone", "\xd2\xb2\x04\x03new"},
      {"fixed32 in a workload", "\x0a\x0a\xa2\x01\x01u\xbd\x3e\x01\x02\x03\x04"},
  };
  return rows;
}

TEST(Proto, UnknownFieldsSurvive) {
  for (const UnknownRow& row : unknown_rows()) {
    SCOPED_TRACE(row.name);
    Address address;
    ASSERT_TRUE(address.ParseFromString(row.bytes));
    EXPECT_EQ(address.SerializeAsString(), row.bytes);
  }
}

TEST(Proto, UnknownEnumValuesSurvive) {
  istio::workload::LoadBalancing balancing;
  const std::string bytes = "\x0a\x01\x63\x10\x09";  // scope 99, mode 9
  ASSERT_TRUE(balancing.ParseFromString(bytes));
  EXPECT_EQ(balancing.SerializeAsString(), bytes);
}

// Label extensions read like any other in the JSON of a dump.
TEST(Proto, LabelsTravelInAnExtension) {
  vicinity::workload::Labels labels;
  (*labels.mutable_labels())["app"] = "hello";
  istio::workload::Workload workload;
  auto& extension = *workload.add_extensions();
  extension.set_name("vicinity.labels");
  extension.mutable_config()->PackFrom(labels);
  istio::workload::Workload copy;
  ASSERT_TRUE(copy.ParseFromString(workload.SerializeAsString()));
  vicinity::workload::Labels back;
  ASSERT_TRUE(copy.extensions(0).config().UnpackTo(&back));
  EXPECT_EQ(back.labels().at("app"), "hello");
}

struct NumberRow {
  const google::protobuf::Descriptor* message;
  std::string_view numbers;  // of all fields, in the order of their numbers
};

std::string numbers_of(const google::protobuf::Descriptor* message) {
  std::vector<int> numbers;
  for (int i = 0; i < message->field_count(); ++i) numbers.push_back(message->field(i)->number());
  std::ranges::sort(numbers);
  std::string text;
  for (const int number : numbers) text += (text.empty() ? "" : " ") + std::to_string(number);
  return text;
}

// The numbers are the protocol: a slip here would be silent on the wire.
TEST(Proto, FieldNumbers) {
  namespace wds = istio::workload;
  const std::vector<NumberRow> rows = {
      {wds::Address::descriptor(), "1 2"},
      {wds::Service::descriptor(), "1 2 3 4 5 6 7 8 9 10 11 12 13 14"},
      {wds::Workload::descriptor(),
       "1 2 3 4 5 6 7 8 9 10 11 12 13 14 16 17 18 19 20 21 22 23 24 25 26 27"},
      {wds::LoadBalancing::descriptor(), "1 2 3"},
      {wds::NetworkAddress::descriptor(), "1 2 3"},
      {wds::GatewayAddress::descriptor(), "1 2 3"},
      {DeltaDiscoveryRequest::descriptor(), "1 2 3 4 5 6 7"},
      {DeltaDiscoveryResponse::descriptor(), "1 2 4 5 6 7"},
      {envoy::service::discovery::v3::Resource::descriptor(), "1 2 3 4 6"},
  };
  for (const NumberRow& row : rows) {
    EXPECT_EQ(numbers_of(row.message), row.numbers) << row.message->full_name();
  }
}

}  // namespace
}  // namespace vicinity
