// Workloads with a host name: what becomes of their addresses, and the resolver against a DNS
// server of our own.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "feed/dns/endpoints.h"
#include "feed/dns/resolver.h"
#include "support/wait.h"
#include "unit/dns_server.h"
#include "unit/model_rows.h"

namespace vicinity::testing {
namespace {

using feed::dns::Answer;
using feed::dns::Resolver;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Names = std::set<std::string>;

constexpr const char* kName = "db.example.com";

class EndpointsTest : public ::testing::Test {
 protected:
  // As the engine does it.
  bool apply(const std::vector<WorkloadRow>& rows, std::vector<std::string> removed = {},
             std::string_view hostname = kName) {
    model::Delta delta =
        to_delta({.removed = std::move(removed), .workloads = rows}, world_.snapshot.symbols());
    for (auto& workload : delta.workloads) workload.hostname = world_.symbol(hostname);
    const bool changed = endpoints_.note(delta, world_.snapshot.symbols());
    world_.snapshot.apply(std::move(delta));
    return changed;
  }
  size_t answered(const std::vector<std::string>& addresses, std::string error = {}) {
    Answer answer = {.hostname = kName, .addresses = {}, .error = std::move(error)};
    for (const std::string& address : addresses) answer.addresses.push_back(ip(address));
    model::Delta delta = endpoints_.answered(answer, world_.snapshot);
    const size_t size = delta.size();
    world_.snapshot.apply(std::move(delta));
    return size;
  }

  World world_;
  feed::dns::Endpoints endpoints_;
};

WorkloadRow db(std::string uid = "db") {
  return {.uid = std::move(uid), .addresses = {}, .services = {{"a/db", {}}}};
}

TEST_F(EndpointsTest, AnAnswerGivesTheWorkloadItsAddresses) {
  world_.apply({.services = {{.key = "a/db", .addresses = {"10.96.0.1", "fd00::1"}}}});
  EXPECT_TRUE(apply({db()}));
  EXPECT_EQ(endpoints_.hostnames(), Names{kName});
  EXPECT_EQ(world_.excluded("a/db").at("db"), "no_address");
  EXPECT_EQ(answered({"192.0.2.1", "2001:db8::1"}), 1u);
  EXPECT_EQ(world_.tiers("a/db"), (World::TierText{{"192.0.2.1:8080"}}));
  EXPECT_EQ(world_.tiers("a/db", 80, model::Family::kIpv6),
            (World::TierText{{"[2001:db8::1]:8080"}}));
  EXPECT_EQ(answered({"192.0.2.1", "2001:db8::1"}), 0u) << "the same again changes nothing";
  EXPECT_EQ(answered({"192.0.2.2"}), 1u);
  EXPECT_EQ(world_.tiers("a/db"), (World::TierText{{"192.0.2.2:8080"}}));
}

TEST_F(EndpointsTest, TheLastGoodAnswerStays) {
  (void)apply({db()});
  (void)answered({"192.0.2.1"});
  EXPECT_EQ(answered({}, "no such name"), 0u);
  EXPECT_THAT(world_.snapshot.find_workload("db")->addresses, ElementsAre(ip("192.0.2.1")));
  EXPECT_THAT(endpoints_.problems(), ElementsAre("db.example.com: no such name"));
  EXPECT_EQ(answered({"192.0.2.1"}), 0u);
  EXPECT_THAT(endpoints_.problems(), IsEmpty());
}

TEST_F(EndpointsTest, TheFeedSayingItAgainLosesNothing) {
  (void)apply({db()});
  (void)answered({"192.0.2.1"});
  EXPECT_FALSE(apply({db(), db("second")}));
  EXPECT_THAT(world_.snapshot.find_workload("db")->addresses, ElementsAre(ip("192.0.2.1")));
  EXPECT_THAT(world_.snapshot.find_workload("second")->addresses, ElementsAre(ip("192.0.2.1")));
}

TEST_F(EndpointsTest, NamesNobodyHasAnyMoreAreForgotten) {
  (void)apply({db(), db("second")});
  EXPECT_FALSE(apply({}, {"db"}));
  EXPECT_TRUE(apply({}, {"second"}));
  EXPECT_THAT(endpoints_.hostnames(), IsEmpty());
  EXPECT_EQ(answered({"192.0.2.1"}), 0u);
}

TEST_F(EndpointsTest, AnAddressOrAnotherNameTakesItsPlace) {
  (void)apply({db()});
  EXPECT_TRUE(apply({db()}, {}, "other.example.com"));
  EXPECT_EQ(endpoints_.hostnames(), Names{"other.example.com"});
  WorkloadRow addressed = db();
  addressed.addresses = {"192.0.2.9"};
  EXPECT_TRUE(apply({addressed}));
  EXPECT_THAT(endpoints_.hostnames(), IsEmpty());
  EXPECT_THAT(world_.snapshot.find_workload("db")->addresses, ElementsAre(ip("192.0.2.9")));
}

class ResolverTest : public ::testing::Test {
 protected:
  void start(absl::Duration shortest_ttl = absl::Seconds(5)) {
    auto resolver = Resolver::start({.servers = {server_.address()},
                                     .timeout = absl::Milliseconds(200),
                                     .tries = 1,
                                     .shortest_ttl = shortest_ttl},
                                    [] {});
    ASSERT_TRUE(resolver.ok()) << resolver.status();
    resolver_ = *std::move(resolver);
  }
  // The next answer that differs from the one before.
  Answer next() {
    std::optional<Answer> answer;
    EXPECT_TRUE(wait_until(
        [&] {
          for (Answer& one : resolver_->take()) {
            if (one != last_) answer = std::move(one);
          }
          return answer.has_value();
        },
        seconds(20)));
    return last_ = answer.value_or(Answer{});
  }
  void set(DnsServer::Record record) { server_.set(kName, std::move(record)); }

  DnsServer server_;
  std::unique_ptr<Resolver> resolver_;
  Answer last_;
};

TEST_F(ResolverTest, FindsBothFamilies) {
  set({.addresses = {ip("192.0.2.2"), ip("192.0.2.1"), ip("2001:db8::1")}});
  start();
  resolver_->want({kName});
  const Answer answer = next();
  EXPECT_EQ(answer.hostname, kName);
  EXPECT_THAT(answer.addresses, ElementsAre(ip("192.0.2.1"), ip("192.0.2.2"), ip("2001:db8::1")));
  EXPECT_EQ(answer.error, "");
}

TEST_F(ResolverTest, AsksAgainWhenTheTimeToLiveIsOver) {
  set({.addresses = {ip("192.0.2.1")}, .ttl = 1});
  start(absl::Milliseconds(100));
  resolver_->want({kName});
  EXPECT_THAT(next().addresses, ElementsAre(ip("192.0.2.1")));
  set({.addresses = {ip("192.0.2.2")}, .ttl = 1});
  EXPECT_THAT(next().addresses, ElementsAre(ip("192.0.2.2")));
}

TEST_F(ResolverTest, ButNotSoonerThanTheShortestTimeToLive) {
  set({.addresses = {ip("192.0.2.1")}, .ttl = 0});
  server_.set("busy.example.com", {.addresses = {ip("192.0.2.3")}, .ttl = 0});
  start(absl::Hours(1));
  resolver_->want({kName});
  (void)next();
  // Whatever else the resolver does meanwhile.
  resolver_->want({kName, "busy.example.com"});
  EXPECT_EQ(next().hostname, "busy.example.com");
  EXPECT_EQ(server_.asked(kName), 1);
}

TEST_F(ResolverTest, SaysThatANameDoesNotExistAndAsksAgain) {
  start(absl::Milliseconds(100));
  resolver_->want({kName});
  const Answer answer = next();
  EXPECT_THAT(answer.addresses, IsEmpty());
  EXPECT_THAT(answer.error, ::testing::HasSubstr("not found"));
  set({.addresses = {ip("192.0.2.1")}});
  EXPECT_THAT(next().addresses, ElementsAre(ip("192.0.2.1")));
}

TEST_F(ResolverTest, ASilentServerIsATimeoutAndHoldsUpNoOtherName) {
  set({.manner = DnsServer::Manner::kSilent, .addresses = {}});
  server_.set("fast.example.com", {.addresses = {ip("192.0.2.3")}});
  start(absl::Milliseconds(100));
  resolver_->want({kName, "fast.example.com"});
  const Answer fast = next();
  EXPECT_EQ(fast.hostname, "fast.example.com");
  const Answer slow = next();
  EXPECT_EQ(slow.hostname, kName);
  EXPECT_THAT(slow.error, ::testing::HasSubstr("imeout"));
  set({.addresses = {ip("192.0.2.1")}});
  EXPECT_THAT(next().addresses, ElementsAre(ip("192.0.2.1")));
}

TEST_F(ResolverTest, ANameThatIsNotWantedAnyMoreIsNotAsked) {
  set({.addresses = {ip("192.0.2.1")}, .ttl = 0});
  start(absl::Milliseconds(50));
  resolver_->want({kName});
  (void)next();
  server_.set("other.example.com", {.addresses = {ip("192.0.2.3")}, .ttl = 0});
  resolver_->want({"other.example.com"});
  EXPECT_EQ(next().hostname, "other.example.com");
  const int asked = server_.asked(kName);
  const int others = server_.asked("other.example.com");
  ASSERT_TRUE(
      wait_until([&] { return server_.asked("other.example.com") > others + 3; }, seconds(20)));
  EXPECT_EQ(server_.asked(kName), asked);
}

TEST(Resolver, ServersThatCannotBeAreAnError) {
  EXPECT_FALSE(Resolver::start({.servers = {"not an address"}}, [] {}).ok());
}

}  // namespace
}  // namespace vicinity::testing
