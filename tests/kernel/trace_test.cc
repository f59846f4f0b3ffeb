// What single connects become, as the hooks and the sockets' callbacks tell it: only while somebody
// watches, every way to make a choice, and how each connection ended.
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>

#include "dataplane/abi_version.h"
#include "dataplane/pins.h"
#include "kernel/netns_cookie.h"
#include "kernel/socket_fixture.h"

namespace vicinity::testing {
namespace {

using dataplane::Traced;
using model::Family;

std::string end_text(const dataplane::SocketEnd& end) {
  return model::endpoint_text(end.address, end.port);
}

// "translated 10.96.0.10:80 > 10.244.1.11:5004", "refused:empty 10.96.0.10:81", "established",
// "failed 111".
std::string text_of(const Traced& told) {
  if (told.kind == Traced::Kind::kEstablished) return "established";
  if (told.kind == Traced::Kind::kFailed) return fmt::format("failed {}", told.error);
  std::string text(told.verdict.result);
  if (!told.verdict.reason.empty()) text += fmt::format(":{}", told.verdict.reason);
  text += fmt::format(" {} {}", told.transport == dataplane::Transport::kTcp ? "tcp" : "udp",
                      end_text(told.asked));
  if (told.mapped) text += " mapped";
  if (told.send) text += " send";
  return told.verdict.result == "translated" ? text + " > " + end_text(told.chosen) : text;
}

class TraceTest : public SocketTest {
 protected:
  // Backend 3 behind port 80, nothing behind port 81, a closed port behind 82.
  void open_and_publish() {
    open();
    std::vector<compile::PortTable> ports;
    for (const Family family : {Family::kIpv4, Family::kIpv6}) {
      ports.push_back(backends_table(80, family, {3}));
      ports.push_back(backends_table(81, family, {}));
      ports.push_back(
          port_table(82, family,
                     {{.address = family == Family::kIpv4 ? kBackend4 : kBackend6, .port = 4999}}));
    }
    std::ranges::sort(ports);
    apply({service_table("ns/a", {kVip4, kVip6}, std::move(ports))});
  }

  void watch() { VICINITY_ASSERT_OK(traces().keep_on(absl::Minutes(1))); }
  [[nodiscard]] dataplane::Traces& traces() { return *dataplane_->traces(); }

  // Everything that a script makes happen, but for the end of a connection that it does not wait
  // for: `count` events.
  [[nodiscard]] std::vector<Traced> told(size_t count) {
    std::vector<Traced> all;
    const bool came = wait_until(
        [&] {
          std::ranges::move(traces().take(), std::back_inserter(all));
          return all.size() >= count;
        },
        std::chrono::seconds(20));
    EXPECT_TRUE(came) << all.size() << " events instead of " << count;
    return all;
  }

  void expect_one_socket(const std::string& kind) {
    SCOPED_TRACE(kind);
    SocketScript client = script();
    play(client,
         {{"open " + kind, "ok"}, {"connect 10.96.0.10:80", "ok"}, {"recv", "10.244.1.11:5004"}});
    const auto events = told(2);
    ASSERT_EQ(events.size(), 2u);
    const Traced& choice = events[0];
    EXPECT_EQ(choice.pid, static_cast<uint32_t>(client.pid()));
    EXPECT_FALSE(choice.command.empty());
    EXPECT_EQ(choice.netns_cookie, netns_cookie(world_->pod("client").netns()));
    EXPECT_NE(choice.cookie, 0u);
    EXPECT_EQ(events[1].cookie, choice.cookie);
    EXPECT_GT(events[1].at_ns, choice.at_ns);
    EXPECT_LT(absl::AbsDuration(absl::Now() - choice.at), absl::Minutes(1));
  }
};

struct Row {
  std::vector<Line> script;
  std::vector<std::string> told;
};

std::vector<Row> rows() {
  const std::string to4 = "10.244.1.11:5004";
  const std::string to6 = "[fd00:10:244:1::11]:5004";
  return {
      {{{"open tcp4", "ok"}, {"connect 10.96.0.10:80", "ok"}, {"recv", to4}},
       {"translated tcp 10.96.0.10:80 > " + to4, "established"}},
      {{{"open tcp6", "ok"}, {"connect [fd00:10:96::10]:80", "ok"}, {"recv", to6}},
       {"translated tcp [fd00:10:96::10]:80 > " + to6, "established"}},
      {{{"open tcp6", "ok"}, {"connect [::ffff:10.96.0.10]:80", "ok"}, {"recv", to4}},
       {"translated tcp 10.96.0.10:80 mapped > " + to4, "established"}},
      {{{"open tcp4", "ok"}, {"connect 10.96.0.10:81", "ECONNREFUSED"}},
       {"refused:empty tcp 10.96.0.10:81"}},
      {{{"open tcp6", "ok"}, {"connect [fd00:10:96::10]:81", "ECONNREFUSED"}},
       {"refused:empty tcp [fd00:10:96::10]:81"}},
      {{{"open tcp4", "ok"}, {"connect 10.96.0.10:82", "ECONNREFUSED"}},
       {"translated tcp 10.96.0.10:82 > 10.244.1.11:4999", fmt::format("failed {}", ECONNREFUSED)}},
      {{{"open tcp4", "ok"}, {"connect 10.244.1.11:5004", "ok"}, {"recv", to4}},
       {"passed:not_a_service tcp 10.244.1.11:5004", "established"}},
      {{{"open tcp4", "ok"}, {"connect 10.96.0.10:83", "ok"}, {"recv", "decoy"}},
       {"passed:unknown_port tcp 10.96.0.10:83", "established"}},
      {{{"open udp4", "ok"}, {"connect 10.96.0.10:80", "ok"}, {"send", "ok"}, {"recv", to4}},
       {"translated udp 10.96.0.10:80 > " + to4}},
      {{{"open udp4", "ok"}, {"connect 10.96.0.10:81", "ECONNREFUSED"}},
       {"refused:empty udp 10.96.0.10:81"}},
      // The second datagram goes where the first one went: no choice.
      {{{"open udp4", "ok"},
        {"sendto 10.96.0.10:80", "ok"},
        {"recv", to4},
        {"sendto 10.96.0.10:80", "ok"},
        {"recv", to4}},
       {"translated udp 10.96.0.10:80 send > " + to4}},
      {{{"open udp6", "ok"}, {"sendto [fd00:10:96::10]:80", "ok"}, {"recv", to6}},
       {"translated udp [fd00:10:96::10]:80 send > " + to6}},
      {{{"open udp4", "ok"}, {"sendto 10.96.0.10:81", "ECONNREFUSED"}},
       {"refused:empty udp 10.96.0.10:81 send"}},
      // MPTCP: the hook and the callbacks see the first subflow, with one cookie.
      {{{"open mptcp4", "ok"}, {"connect 10.96.0.10:80", "ok"}, {"recv", to4}},
       {"translated tcp 10.96.0.10:80 > " + to4, "established"}},
      {{{"open mptcp6", "ok"}, {"connect [fd00:10:96::10]:80", "ok"}, {"recv", to6}},
       {"translated tcp [fd00:10:96::10]:80 > " + to6, "established"}},
      {{{"open mptcp6", "ok"}, {"connect [::ffff:10.96.0.10]:80", "ok"}, {"recv", to4}},
       {"translated tcp 10.96.0.10:80 mapped > " + to4, "established"}},
      {{{"open mptcp4", "ok"}, {"connect 10.96.0.10:81", "ECONNREFUSED"}},
       {"refused:empty tcp 10.96.0.10:81"}},
      {{{"open mptcp4", "ok"}, {"connect 10.96.0.10:82", "ECONNREFUSED"}},
       {"translated tcp 10.96.0.10:82 > 10.244.1.11:4999", fmt::format("failed {}", ECONNREFUSED)}},
      // To no service: not worth an event a datagram.
      {{{"open udp4", "ok"}, {"sendto 10.244.1.11:5004", "ok"}, {"recv", to4}}, {}},
  };
}

TEST_F(TraceTest, EveryChoiceIsToldWithItsEnd) {
  open_and_publish();
  watch();
  for (const Row& row : rows()) {
    SCOPED_TRACE(row.script[0].say + ", " + row.script[1].say);
    play(row.script);
    std::vector<std::string> texts;
    for (const Traced& one : told(row.told.size())) texts.push_back(text_of(one));
    EXPECT_EQ(texts, row.told);
  }
  EXPECT_EQ(traces().lost(), 0u);
}

TEST_F(TraceTest, AChoiceSaysWhoAskedAndItsEndIsOfTheSameSocket) {
  open_and_publish();
  watch();
  for (const char* kind : {"tcp4", "mptcp4"}) expect_one_socket(kind);
}

TEST_F(TraceTest, NothingIsToldUnlessSomebodyWatches) {
  open_and_publish();
  const auto connect_once = [&] { EXPECT_EQ(connect("10.96.0.10").error, 0); };
  connect_once();
  watch();
  EXPECT_TRUE(traces().take().empty());
  connect_once();
  EXPECT_EQ(told(2).size(), 2u);
  traces().turn_off();
  connect_once();
  EXPECT_TRUE(traces().take().empty());
}

// The grown maps come with programs of their own, which tell into the same buffer, and at once.
TEST_F(TraceTest, GoesOnWhileTablesGrow) {
  dataplane::KernelOptions small = options();
  small.max_services = 1;
  open(small);
  apply({backends_service("ns/a", {kVip4}, {3})});
  watch();
  EXPECT_EQ(connect(kVip4).error, 0);
  for (int step = 1; step <= 3; ++step) {
    SCOPED_TRACE(step);
    const uint32_t generation = dataplane_->status().generation;
    for (int i = 0; dataplane_->status().generation == generation; ++i) {
      ASSERT_LT(i, 2000);
      apply({backends_service(fmt::format("ns/{}-{}", step, i),
                              {fmt::format("10.{}.{}.{}", 96 + step, i / 250, i % 250 + 1)}, {0})});
    }
    EXPECT_EQ(connect(kVip4).error, 0);
  }
  const auto events = told(8);
  ASSERT_EQ(events.size(), 8u);
  for (size_t i = 0; i < events.size(); i += 2) {
    EXPECT_EQ(text_of(events[i]), "translated tcp 10.96.0.10:80 > 10.244.1.11:5004");
    EXPECT_EQ(text_of(events[i + 1]), "established");
    EXPECT_EQ(events[i].cookie, events[i + 1].cookie);
  }
  EXPECT_EQ(traces().lost(), 0u);
  traces().turn_off();
  EXPECT_EQ(connect(kVip4).error, 0);
  EXPECT_TRUE(traces().take().empty());
}

// Whoever set the flag may be dead: time alone ends it.
TEST_F(TraceTest, ATraceThatNobodyRenewsEnds) {
  open_and_publish();
  VICINITY_ASSERT_OK(traces().keep_on(absl::Milliseconds(1)));
  EXPECT_TRUE(wait_until(
      [&] {
        EXPECT_EQ(connect("10.96.0.10").error, 0);
        return traces().take().empty();
      },
      std::chrono::seconds(20)));
}

TEST_F(TraceTest, AnEarlierDaemonsTraceIsOver) {
  open_and_publish();
  watch();
  dataplane_.reset();
  open();
  const dataplane::Pins pins(pin_dir(), dataplane::abi_version());
  VICINITY_ASSERT_OK_AND_ASSIGN(const auto maps, dataplane::Pins::open(pins.generations().front()));
  VICINITY_ASSERT_OK_AND_ASSIGN(
      const auto config,
      dataplane::MappedMap::map(maps.at("vic_config").get(), dataplane::Access::kReadWrite));
  for (const vic_config& line : config.as<vic_config>()) {
    EXPECT_EQ(line.flags & VIC_CONFIG_TRACE, 0u);
  }
}

// What does not fit is counted, and what comes after is told again.
TEST_F(TraceTest, EventsWithoutRoomAreCounted) {
  open_and_publish();
  watch();
  constexpr uint64_t kRoom = VIC_TRACE_BYTES / sizeof(vic_trace);
  SocketScript client = script();
  for (uint64_t i = 0; i < kRoom; ++i) {
    ASSERT_EQ(client.say("open tcp4"), "ok");
    ASSERT_EQ(client.say("connect 10.96.0.10:81"), "ECONNREFUSED");
  }
  EXPECT_GT(traces().lost(), 0u);
  EXPECT_EQ(traces().take().size() + traces().lost(), kRoom);
  EXPECT_NE(connect("10.96.0.10", 81).error, 0);
  EXPECT_EQ(told(1).size(), 1u);
}

}  // namespace
}  // namespace vicinity::testing
