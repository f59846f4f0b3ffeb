// What /proc says of a network namespace, and what pods that makes of it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "netns_files.h"
#include "pod_rules.h"
#include "unit/model_rows.h"

namespace vicinity::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr std::string_view kFibTrie =
    "Main:\n"
    "  +-- 0.0.0.0/0 3 0 5\n"
    "     +-- 10.244.1.0/24 2 0 2\n"
    "        |-- 10.244.1.0\n"
    "           /24 link UNICAST\n"
    "        |-- 10.244.1.9\n"
    "           /32 host LOCAL\n"
    "     |-- 127.0.0.1\n"
    "        /32 host LOCAL\n"
    "     |-- 169.254.7.7\n"
    "        /32 host LOCAL\n"
    "     |-- 10.244.1.255\n"
    "        /32 link BROADCAST\n"
    "Local:\n"
    "        |-- 10.244.1.9\n"
    "           /32 host LOCAL\n";
constexpr std::string_view kIfInet6 =
    "fe8000000000000000fc00fffe000001 04 40 20 80     eth0\n"
    "00000000000000000000000000000001 01 80 10 80       lo\n"
    "fd000010024400010000000000000009 04 40 00 82     eth0\n";

TEST(NetnsFiles, OwnAddressesAreThoseOthersCanReach) {
  EXPECT_THAT(own_addresses(kFibTrie, kIfInet6),
              ElementsAre(ip("10.244.1.9"), ip("fd00:10:244:1::9")));
  EXPECT_THAT(own_addresses("", ""), IsEmpty());
  EXPECT_THAT(own_addresses("|--\n/32 host LOCAL", "short 1\n"), IsEmpty());
}

struct ListenerRow {
  const char* what;
  std::string sockets;
  bool captured;
};

TEST(NetnsFiles, CapturingListeners) {
  const std::string heading = "  sl  local_address rem_address   st tx_queue rx_queue\n";
  const std::vector<ListenerRow> rows = {
      {"nothing", "", false},
      {"ztunnel", "   0: 00000000:3AA0 00000000:0000 0A 0:0 0\n", true},
      {"a sidecar", "   0: 0100007F:3A99 00000000:0000 0A 0:0 0\n", true},
      {"over IPv6", "   0: 00000000000000000000000000000000:3AA0 0:0000 0A 0:0 0\n", true},
      {"another port", "   0: 00000000:1F90 00000000:0000 0A 0:0 0\n", false},
      {"a connection from that port", "   0: 0100007F:3AA0 0100007F:1000 01 0:0 0\n", false},
      {"behind others",
       "   0: 00000000:1F90 00000000:0000 0A 0:0 0\n   1: 00000000:3AA0 00000000:0000 0A 0:0 0\n",
       true},
      {"cut off", "   0: 00000000:3A", false},
  };
  for (const ListenerRow& row : rows) {
    EXPECT_EQ(has_capturing_listener(heading + row.sockets), row.captured) << row.what;
  }
}

WorkloadRow local(std::string uid, std::vector<std::string> addresses) {
  return {.uid = std::move(uid), .addresses = std::move(addresses), .node = "here"};
}

class PodsOf : public ::testing::Test {
 protected:
  dataplane::Pod pod_at(const std::string& address) {
    const NetnsViews views = {{.cookie = 7, .addresses = {ip(address)}, .captured = captured_}};
    return pods_of(views, world_.snapshot, rules_).at(7);
  }
  void add(const WorkloadRow& row, std::string_view name_space = "a") {
    model::Delta delta = to_delta({.workloads = {row}}, world_.snapshot.symbols());
    delta.workloads[0].name_space = world_.symbol(name_space);
    delta.workloads[0].host_network = host_network_;
    world_.snapshot.apply(std::move(delta));
  }

  World world_;
  PodRules rules_;
  bool captured_ = false;
  bool host_network_ = false;
};

TEST_F(PodsOf, ANamespaceIsThePodsThatHasItsAddress) {
  add(local("Kubernetes//Pod/a/x", {"10.244.1.9", "fd00::9"}));
  EXPECT_EQ(pod_at("10.244.1.9").name_space, "a");
  EXPECT_EQ(pod_at("fd00::9").name_space, "a");
  EXPECT_EQ(pod_at("10.244.1.9").ipv4, ip("10.244.1.9"));
  EXPECT_EQ(pod_at("10.244.1.10").name_space, "");
  EXPECT_EQ(pod_at("10.244.1.10").ipv4, ip("10.244.1.10"));
}

TEST_F(PodsOf, AnotherNodesPodIsNotHere) {
  WorkloadRow elsewhere = local("Kubernetes//Pod/a/x", {"10.244.1.9"});
  elsewhere.node = "there";
  add(elsewhere);
  EXPECT_EQ(pod_at("10.244.1.9").name_space, "");
}

TEST_F(PodsOf, HostNetworkWorkloadsHaveNoAddressOfTheirOwn) {
  host_network_ = true;
  add(local("Kubernetes//Pod/a/x", {"10.244.1.9"}));
  EXPECT_EQ(pod_at("10.244.1.9").name_space, "");
}

TEST_F(PodsOf, AnAddressUsedAgainIsTheNewPods) {
  add(local("Kubernetes//Pod/a/old", {"10.244.1.9"}), "a");
  add(local("Kubernetes//Pod/b/new", {"10.244.1.9"}), "b");
  EXPECT_EQ(pod_at("10.244.1.9").name_space, "b");
  world_.apply({.removed = {"Kubernetes//Pod/a/old"}});
  EXPECT_EQ(pod_at("10.244.1.9").name_space, "b");
  world_.apply({.removed = {"Kubernetes//Pod/b/new"}});
  EXPECT_EQ(pod_at("10.244.1.9").name_space, "");
}

struct OptOutRow {
  const char* what;
  std::vector<std::string> rules;
  bool opted_out;
};

TEST_F(PodsOf, OptOutByNameNamespaceOrLabel) {
  WorkloadRow row = local("Kubernetes//Pod/a/web-1", {"10.244.1.9"});
  row.labels = {{"balance", "off"}};
  add(row);
  const std::vector<OptOutRow> rows = {
      {"nobody", {}, false},
      {"the pod", {"a/web-1"}, true},
      {"its namespace", {"b/*", "a/*"}, true},
      {"all of its kind", {"a/web-?"}, true},
      {"another pod", {"a/web"}, false},
      {"its label", {"balance=off"}, true},
      {"another value", {"balance=on"}, false},
  };
  for (const OptOutRow& one : rows) {
    rules_.opt_out = one.rules;
    EXPECT_EQ(pod_at("10.244.1.9").opted_out, one.opted_out) << one.what;
  }
}

TEST_F(PodsOf, CapturedPodsAreLeftUnlessToldOtherwise) {
  captured_ = true;
  EXPECT_TRUE(pod_at("10.244.1.9").captured);
  rules_.leave_captured = false;
  EXPECT_FALSE(pod_at("10.244.1.9").captured);
}

TEST_F(PodsOf, TheHostIsNoPod) {
  EXPECT_THAT(pods_of({{.cookie = 1, .is_host = true}}, world_.snapshot, rules_), IsEmpty());
}

}  // namespace
}  // namespace vicinity::testing
