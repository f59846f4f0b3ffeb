// Histories for the dev control plane: reading recordings, and the other shapes of a history that
// must lead to the same end.
#include "devcp/recording.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "devcp/console.h"
#include "devcp/dev_control_plane.h"
#include "devcp/resource_store.h"
#include "support/gtest_support.h"

namespace vicinity::devcp {
namespace {

using ::testing::HasSubstr;

// "+name=version" and "-name", in the message's order, removals first.
Response message(const std::vector<std::string>& operations) {
  Response response;
  response.set_type_url(std::string(kAddressType));
  for (const std::string& each : operations) {
    if (each[0] == '-') {
      response.add_removed_resources(each.substr(1));
      continue;
    }
    const size_t equals = each.find('=');
    Resource& resource = *response.add_resources();
    resource.set_name(each.substr(1, equals - 1));
    resource.set_version(each.substr(equals + 1));
    resource.mutable_resource()->set_value("bytes of " + resource.version());
  }
  return response;
}

std::string text(const Response& response) {
  std::string out;
  for (const std::string& name : response.removed_resources()) out += "-" + name + " ";
  for (const Resource& each : response.resources())
    out += "+" + each.name() + "=" + each.version() + " ";
  return out;
}

std::string text(const ResourceStore& store) {
  std::string out;
  for (const auto& [name, resource] : store.resources())
    out += name + "=" + resource.version() + " ";
  return out;
}

std::string bytes_of(const std::vector<Response>& messages) {
  std::string bytes;
  for (const Response& each : messages) {
    const std::string body = each.SerializeAsString();
    EXPECT_LT(body.size(), 128U);  // a varint of one byte
    bytes += static_cast<char>(body.size());
    bytes += body;
  }
  return bytes;
}

TEST(Recording, Reads) {
  const auto messages = parse_recording(bytes_of({message({"+a=1"}), message({"-a", "+b=2"})}));
  VICINITY_ASSERT_OK(messages);
  ASSERT_EQ(messages->size(), 2U);
  EXPECT_EQ(text((*messages)[0]), "+a=1 ");
  EXPECT_EQ(text((*messages)[1]), "-a +b=2 ");
}

// A truncated recording is an error that says where, whatever byte it ends at.
TEST(Recording, Truncated) {
  const std::string first = bytes_of({message({"+a=1"})});
  const std::string bytes = bytes_of({message({"+a=1"}), message({"+b=2"})});
  for (size_t size = 1; size < bytes.size(); ++size) {
    if (size == first.size()) continue;
    const auto messages = parse_recording(std::string_view(bytes).substr(0, size));
    ASSERT_FALSE(messages.ok()) << size;
    const size_t number = size < first.size() ? 1 : 2;
    const size_t at = size < first.size() ? 0 : first.size();
    EXPECT_EQ(base::message(messages.status()),
              fmt::format("message {} at byte {} is cut off", number, at));
  }
}

TEST(Recording, NotMessages) {
  EXPECT_THAT(std::string(base::message(parse_recording("\x02\xff\xff").status())),
              HasSubstr("message 1 at byte 0 is not a DeltaDiscoveryResponse"));
  EXPECT_THAT(std::string(base::message(load_recording("/nonexistent").status())),
              HasSubstr("/nonexistent: "));
}

TEST(Recording, SplitKeepsEverythingAndTheOrderOfAName) {
  const Response whole = message({"-x", "-a", "-y", "+a=1", "+b=1", "+c=1", "+d=1", "+e=1"});
  std::string got;
  for (const Response& part : split(whole, 3)) got += text(part) + "| ";
  EXPECT_EQ(got, "-x -a +a=1 | +b=1 +c=1 | -y +d=1 +e=1 | ");
  EXPECT_EQ(split(whole, 0).size(), 1U);
  EXPECT_EQ(split(message({}), 1).size(), 1U);
}

TEST(Recording, Squash) {
  const std::vector<Step> steps = {
      {.name = "0", .content = std::vector{message({"+a=1", "+b=1"}), message({"+c=1"})}},
      {.name = "1", .content = std::vector{message({"-a", "-c", "+b=2"})}},
      {.name = "2", .content = std::vector{message({"-b", "+b=3", "+a=2"})}}};
  EXPECT_EQ(text(squash(steps)), "-c +a=2 +b=3 ");
}

TEST(Recording, EveryShapeHasTheSameEnd) {
  VICINITY_RECORDINGS_OR_SKIP(const auto recordings);
  for (const auto& folder : std::filesystem::directory_iterator(recordings)) {
    if (!folder.is_directory()) continue;
    SCOPED_TRACE(folder.path());
    VICINITY_ASSERT_OK_AND_ASSIGN(const auto steps, load_recording(folder.path()));
    ResourceStore as_recorded;
    ResourceStore in_parts;
    ResourceStore shuffled;
    for (const Step& step : steps) {
      for (Response each : std::get<std::vector<Response>>(step.content)) {
        for (Response& part : split(each, 3)) in_parts.apply(part);
        Response other = shuffle(each, 7);
        shuffled.apply(other);
        as_recorded.apply(each);
      }
    }
    ResourceStore at_once;
    Response whole = squash(steps);
    at_once.apply(whole);
    EXPECT_FALSE(text(as_recorded).empty());
    EXPECT_EQ(text(in_parts), text(as_recorded));
    EXPECT_EQ(text(shuffled), text(as_recorded));
    EXPECT_EQ(text(at_once), text(as_recorded));
  }
}

TEST(Recording, ShuffleIsAnotherOrderOfTheSame) {
  const Response whole = message({"+a=1", "+b=1", "+c=1", "+d=1", "+e=1", "+f=1"});
  EXPECT_EQ(text(shuffle(whole, 1)), text(shuffle(whole, 1)));
  EXPECT_NE(text(shuffle(whole, 1)), text(shuffle(whole, 2)));
  EXPECT_EQ(shuffle(whole, 1).resources_size(), 6);
}

TEST(ResourceStore, DerivesVersionsFromTheBytes) {
  Response first = message({"+a=", "+b="});
  first.mutable_resources(0)->mutable_resource()->set_value("one");
  first.mutable_resources(1)->mutable_resource()->set_value("two");
  ResourceStore store;
  store.apply(first);
  ResourceStore again;
  Response second = first;
  for (auto& each : *second.mutable_resources()) each.clear_version();
  again.apply(second);
  EXPECT_EQ(text(store), text(again));
  EXPECT_EQ(first.resources(0).version().size(), 16U);
  EXPECT_NE(first.resources(0).version(), first.resources(1).version());
}

TEST(ResourceStore, Difference) {
  ResourceStore store;
  Response content = message({"+a=1", "+b=1", "+c=1"});
  store.apply(content);
  google::protobuf::Map<std::string, std::string> versions;
  versions["a"] = "1";
  versions["b"] = "0";
  versions["gone"] = "1";
  EXPECT_EQ(text(store.difference(versions, {}, 1).at(0)), "-gone +b=1 +c=1 ");
  EXPECT_EQ(text(store.difference({}, {.wildcard = false, .names = {"b", "x"}}, 1).at(0)),
            "-x +b=1 ");
  versions.clear();
  for (const std::string name : {"a", "b", "c"}) versions[name] = "1";
  ASSERT_EQ(store.difference(versions, {}, 1).size(), 1U);
  EXPECT_EQ(text(store.difference(versions, {}, 1).at(0)), "");
}

TEST(NodeId, Rows) {
  const std::map<std::string, std::string> rows = {
      {"ztunnel~10.0.0.1~v.ns~ns.svc.cluster.local", ""},
      {"ztunnel~fd00::1~v.ns~ns.svc.cluster.local", ""},
      {"ztunnel", "missing parts in the service node \"ztunnel\""},
      {"a~10.0.0.1~b~c~d", "missing parts in the service node \"a~10.0.0.1~b~c~d\""},
      {"a~ip~b~c", "invalid IP address \"ip\" in the service node \"a~ip~b~c\""}};
  for (const auto& [id, expected] : rows) {
    EXPECT_EQ(base::message(check_node_id(id)), expected) << id;
  }
}

TEST(Console, Commands) {
  VICINITY_ASSERT_OK_AND_ASSIGN(const auto plane, DevControlPlane::start({}));
  std::vector<Step> steps = {{.name = "00-a", .content = std::vector{message({"+a=1"})}},
                             {.name = "01-b", .content = std::vector{message({"+b=1", "-a"})}}};
  Console console(*plane, std::move(steps));
  const std::vector<std::pair<std::string, std::string>> rows = {
      {"steps", R"({"steps": ["00-a", "01-b"], "next": 0})"},
      {"step", R"({"step": "00-a", "left": 1})"},
      {"status", fmt::format(R"({{"address": "{}", "denied": 0, "streams": [], )"
                             R"("versions": {{"a": "1"}}}})",
                             plane->address())},
      {" step \r", R"({"step": "01-b", "left": 0})"},
      {"step", R"({"error": "no step left"})"},
      {"wait-ack 0", R"({"acked": false})"},
      {"wait-ack x", R"({"error": "wait-ack takes a number of seconds"})"},
      {"parts 0", R"({"error": "parts takes a number from 1"})"},
      {"parts 2", R"({"ok": true})"},
      {"deny", R"({"error": "deny takes a message"})"},
      {"deny go away", R"({"ok": true})"},
      {"admit", R"({"ok": true})"},
      {"close", R"({"ok": true})"},
      {"dance", R"({"error": "unknown command \"dance\""})"}};
  for (const auto& [command, answer] : rows) EXPECT_EQ(console.execute(command), answer) << command;
  EXPECT_FALSE(console.quit());
  EXPECT_EQ(console.execute("quit"), R"({"ok": true})");
  EXPECT_TRUE(console.quit());
}

}  // namespace
}  // namespace vicinity::devcp
