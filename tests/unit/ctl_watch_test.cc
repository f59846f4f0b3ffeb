// What people see who watch: lines of a trace, and tables of the traffic.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <string>

#include "ctl/top_rows.h"
#include "ctl/trace_text.h"

namespace vicinity::ctl {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

admin::TraceEvent translated() {
  admin::TraceEvent event;
  event.set_pid(4711);
  event.set_command("curl");
  event.set_pod("sample/client");
  event.set_service("sample/web.example");
  event.set_protocol("tcp");
  event.set_call("connect");
  event.set_asked("10.96.0.10:80");
  event.set_result("translated");
  event.set_endpoint("10.244.1.5:8080");
  event.set_near("zone");
  event.set_tier(1);
  event.set_passed_over("node: 2 unhealthy");
  event.set_outcome("established");
  event.set_connect_seconds(0.000312);
  return event;
}

TEST(TraceLine, OfAConnectionThatOpened) {
  EXPECT_THAT(
      trace_line(translated()),
      HasSubstr("4711/curl           sample/client                       sample/web.example:80"));
  EXPECT_THAT(trace_line(translated()), HasSubstr("10.244.1.5:8080         1 zone       "
                                                  "established 312us       node: 2 unhealthy\n"));
}

struct OutcomeRow {
  const char* result;
  const char* reason;
  const char* outcome;
  double seconds;
  const char* shown;
};

TEST(TraceLine, SaysWhatBecameOfIt) {
  const OutcomeRow rows[] = {
      {"translated", "", "refused", 0.0021, "  refused 2.1ms  "},
      {"translated", "", "connecting", 0, "  connecting  "},
      {"translated", "", "timed out", 127.2, "  timed out 127.2s  "},
      {"translated", "", "", 0, "  connect  "},
      {"refused", "empty", "", 0, "  refused: empty  "},
      {"passed", "captured", "established", 0.0005, "  passed: captured, established 500us  "},
  };
  for (const OutcomeRow& row : rows) {
    admin::TraceEvent event = translated();
    event.set_result(row.result);
    event.set_reason(row.reason);
    event.set_outcome(row.outcome);
    event.set_connect_seconds(row.seconds);
    EXPECT_THAT(trace_line(event), HasSubstr(row.shown));
  }
}

TEST(TraceLine, WithoutAServiceTheAddressIsShown) {
  admin::TraceEvent event = translated();
  event.clear_service();
  event.set_protocol("udp");
  event.set_asked("[fd00::1]:53");
  EXPECT_THAT(trace_line(event), HasSubstr("  [fd00::1]:53/udp  "));
}

void add(admin::TrafficReply& reply, const char* service, const char* near, double connects) {
  const bool here = std::string_view(near) != "region";
  admin::PlaceTraffic place;
  place.set_region("r");
  place.set_zone(here ? "z1" : "z2");
  place.set_near(near);
  place.set_connects(connects);
  admin::ServiceTraffic& row = *reply.add_services();
  row.set_service(service);
  *row.mutable_place() = place;
  *reply.add_places() = place;
}

void refuse(admin::TrafficReply& reply, const char* service, uint64_t connects) {
  admin::ServiceRefusals& row = *reply.add_refusals();
  row.set_service(service);
  row.set_connects(connects);
}

admin::TrafficReply before() {
  admin::TrafficReply reply;
  reply.set_sampled_at(100);
  refuse(reply, "a", 2);
  add(reply, "a", "node", 10);
  add(reply, "b", "subzone", 7);
  return reply;
}

admin::TrafficReply after() {
  admin::TrafficReply reply;
  reply.set_sampled_at(102);
  add(reply, "a", "node", 14);
  add(reply, "b", "subzone", 7);
  add(reply, "c", "region", 12);
  reply.mutable_outcomes()->set_refused_empty(3);
  reply.mutable_outcomes()->set_not_a_service(100);
  reply.mutable_outcomes()->set_captured(1);
  refuse(reply, "a", 3);
  refuse(reply, "d", 2);
  return reply;
}

TEST(Top, IsAboutWhatHappenedBetweenTwoLooks) {
  const Top top = top_between(before(), after());
  EXPECT_EQ(top.all, (TopRow{"", 8, 25, 25, 100}));
  EXPECT_EQ(top.refused_per_second, 1.5);
  EXPECT_EQ(top.passed_per_second, 0.5);
  EXPECT_THAT(top.services,
              ElementsAre(TopRow{"c", 6, 0, 0, 100, 0}, TopRow{"a", 2, 100, 100, 100, 0.5},
                          TopRow{"d", 0, 0, 0, 0, 1}));
  EXPECT_THAT(top.zones,
              ElementsAre(TopRow{"r/z2", 6, 0, 0, 100}, TopRow{"r/z1", 2, 100, 100, 100}));
}

TEST(Top, WithoutConnectsThereAreNoRows) {
  const Top top = top_between(before(), before());
  EXPECT_TRUE(top.services.empty());
  EXPECT_TRUE(top.zones.empty());
  EXPECT_THAT(to_text(top), HasSubstr("0.0 connects/s: 0% stayed in the node"));
}

TEST(Top, ARowThatStartedAgainCountsFromZero) {
  EXPECT_EQ(top_between(after(), before()).services.front().name, "a");
}

TEST(Top, FitsIntoTheScreen) {
  Top top;
  for (int i = 0; i < 100; ++i) {
    top.services.push_back({.name = "s" + std::to_string(i), .per_second = 1});
    top.zones.push_back({.name = "z" + std::to_string(i), .per_second = 1});
  }
  for (const size_t lines : {12u, 24u, 50u}) {
    const std::string text = to_text(top, lines);
    EXPECT_LT(std::ranges::count(text, '\n'), static_cast<std::ptrdiff_t>(lines));
    EXPECT_THAT(text, HasSubstr("\ns0 "));
    EXPECT_THAT(text, HasSubstr("\nz0 "));
  }
  EXPECT_THAT(to_text(top, 24), HasSubstr("\ns9       1.0"));
  EXPECT_THAT(to_text(top, 24), HasSubstr("... and 90 more\n\nTO ZONE"));
  EXPECT_THAT(to_text(top), HasSubstr("\ns99 "));
}

TEST(Top, TheTableForPeople) {
  EXPECT_THAT(to_text(top_between(before(), after())),
              HasSubstr("SERVICE  CONNECTS/S  IN NODE  IN ZONE  IN REGION  REFUSED/S\n"
                        "c        6.0         0%       0%       100%       0.0\n"
                        "a        2.0         100%     100%     100%       0.5\n"
                        "d        0.0         0%       0%       0%         1.0\n"));
}

}  // namespace
}  // namespace vicinity::ctl
