// The daemon's numbers as Prometheus sees them, and its log lines.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/unique_fd.h"
#include "telemetry/exporter.h"
#include "telemetry/log.h"
#include "telemetry/metrics.h"

namespace vicinity::telemetry {
namespace {

using ::prometheus::MetricType;
using ::testing::HasSubstr;
using ::testing::Not;

Published sample() {
  Published p;
  p.build = {.version = "1.2.3", .abi_version = 7};
  p.started_at = absl::FromUnixSeconds(100);
  p.sampled_at = absl::FromUnixSeconds(160);
  p.context = {.known = true,
               .node = "worker",
               .network = "",
               .cluster = "Kubernetes",
               .region = "r",
               .zone = "z\"1",
               .subzone = "s"};
  p.feed.state = "in_sync";
  p.feed.nacks = 3;
  p.engine.services = 2;
  p.engine.rejected_kind = {{"service", 1}, {"workload", 4}};
  p.engine.publish_latency.observe(absl::Milliseconds(2));
  p.engine.publish_latency.observe(absl::Seconds(9));
  p.lease = {.length = absl::Minutes(10), .renewed_at = absl::FromUnixSeconds(150)};
  p.dataplane.slots4 = {.used = 5, .capacity = 64};
  p.dataplane.choice_lines = {.used = 7, .capacity = 64};
  p.dataplane.active_endpoints = {.used = 4, .capacity = 32};
  p.dataplane.active_connections = 400;
  p.dataplane.map_bytes = 4096;
  p.dataplane.pending_services = {"a/b"};
  p.dataplane.features.features = {{.name = "sock_destroy", .present = false, .without = "..."}};
  p.outcomes = {.translated = 11,
                .not_a_service = 12,
                .refused_empty = 13,
                .passed_empty = 14,
                .passed_passthrough = 15,
                .unknown_port_passed = 16,
                .unknown_port_refused = 17,
                .lease_expired = 18,
                .own_socket = 19,
                .internal_error = 20,
                .unrecorded = 21,
                .kernel_socket = 22};
  p.services = {{"sample/h", 0, {"r", "z1", "node", 4}},
                {"sample/h", 0, {"r", "z1", "subzone", 2}},
                {"sample/h", 2, {"r", "z2", "region", 5}}};
  p.places = {{"r", "z1", "node", 4}, {"r", "z1", "subzone", 2}, {"r", "z2", "region", 6.5}};
  p.refusals = {{"sample/empty", 13}};
  p.feed.source = "xds istiod:15012";
  p.feed.last_nonce = "n-7";
  p.dataplane.errors = {{.hook = "sendmsg4", .internal_error = 1, .unrecorded = 8}};
  p.dataplane.programs = {{.name = "connect4", .runs = 4, .time = absl::Microseconds(2)}};
  return p;
}

struct LineRow {
  std::string_view description;
  std::string_view line;
};

TEST(Metrics, EveryNumberHasItsLine) {
  const LineRow rows[] = {
      {"version", R"(vicinity_build_info{version="1.2.3",abi="7"} 1)"},
      {"label values are escaped", R"(zone="z\"1",subzone="s"} 1)"},
      {"time stamps are seconds", "vicinity_start_time_seconds 100\n"},
      {"one state is 1", R"(vicinity_feed_state{state="in_sync"} 1)"},
      {"the others are 0", R"(vicinity_feed_state{state="backoff"} 0)"},
      {"counter", "vicinity_feed_nacks_total 3\n"},
      {"by kind", R"(vicinity_resources_rejected_total{kind="workload"} 4)"},
      {"gauge", "vicinity_model_services 2\n"},
      {"histogram below its bound", R"(vicinity_publish_latency_seconds_bucket{le="0.001"} 0)"},
      {"histogram above its bound", R"(vicinity_publish_latency_seconds_bucket{le="0.0025"} 1)"},
      {"histogram total", R"(vicinity_publish_latency_seconds_bucket{le="+Inf"} 2)"},
      {"histogram count", "vicinity_publish_latency_seconds_count 2\n"},
      {"lease", "vicinity_lease_duration_seconds 600\n"},
      {"used", R"(vicinity_table_entries_used{table="slots4"} 5)"},
      {"capacity", R"(vicinity_table_entries_capacity{table="slots4"} 64)"},
      {"tables of algorithms", R"(vicinity_table_entries_used{table="choice_lines"} 7)"},
      {"counted endpoints", R"(vicinity_table_entries_capacity{table="active_endpoints"} 32)"},
      {"counted connections", "vicinity_active_connections 400\n"},
      {"memory", "vicinity_table_memory_bytes 4096\n"},
      {"pending", "vicinity_services_pending 1\n"},
      {"where from", R"(vicinity_feed_info{source="xds istiod:15012",nonce="n-7"} 1)"},
      {"errors", R"(vicinity_hook_errors_total{hook="sendmsg4",error="unrecorded"} 8)"},
      {"runs", R"(vicinity_program_runs_total{program="connect4"} 4)"},
      {"time", R"(vicinity_program_run_seconds_total{program="connect4"} 2e-06)"},
      {"feature", "vicinity_kernel_feature{feature=\"sock_destroy\"} 0\n"},
  };
  const std::string text = metrics_text(sample());
  for (const LineRow& row : rows) {
    EXPECT_THAT(text, HasSubstr(std::string(row.line))) << row.description;
  }
  EXPECT_EQ(text, metrics_text(sample()));
}

// peers.md row 17: gauges named _total, failed connects never counted, nothing about locality.
TEST(Metrics, Peers_17_CountersAndGaugesAreNamedForWhatTheyAre) {
  std::set<std::string> names;
  for (const auto& family : metric_families(sample())) {
    SCOPED_TRACE(family.name);
    const bool total = family.name.ends_with("_total");
    EXPECT_EQ(total, family.type == MetricType::Counter);
    EXPECT_TRUE(family.name.starts_with("vicinity_"));
    EXPECT_TRUE(names.insert(family.name).second);
    EXPECT_TRUE(family.help.ends_with(".")) << family.help;
    const bool of_time = family.name.find("time") != std::string::npos ||
                         family.name.find("duration") != std::string::npos ||
                         family.name.find("latency") != std::string::npos;
    if (of_time) EXPECT_TRUE(family.name.ends_with("_seconds"));
    if (family.name.find("memory") != std::string::npos) {
      EXPECT_TRUE(family.name.ends_with("_bytes"));
    }
  }
}

TEST(Metrics, Peers_17_EveryConnectIsCountedByResultAndReason) {
  const LineRow rows[] = {
      {"an endpoint was chosen", R"({result="translated",reason=""} 11)"},
      {"not ours", R"({result="passed",reason="not_a_service"} 12)"},
      {"failed: no endpoint", R"({result="refused",reason="empty"} 13)"},
      {"let through: no endpoint", R"({result="passed",reason="empty"} 14)"},
      {"PASSTHROUGH", R"({result="passed",reason="passthrough"} 15)"},
      {"port not on the service", R"({result="passed",reason="unknown_port"} 16)"},
      {"failed: port not on the service", R"({result="refused",reason="unknown_port"} 17)"},
      {"lease", R"({result="passed",reason="lease_expired"} 18)"},
      {"the daemon itself", R"({result="passed",reason="own_socket"} 19)"},
      {"a bug", R"({result="passed",reason="internal_error"} 20)"},
      {"no room for a record", R"({result="passed",reason="unrecorded"} 21)"},
      {"the kernel's own", R"({result="passed",reason="kernel_socket"} 22)"},
  };
  const std::string text = metrics_text(sample());
  for (const LineRow& row : rows) {
    EXPECT_THAT(text, HasSubstr("vicinity_connects_total" + std::string(row.line) + "\n"))
        << row.description;
  }
}

TEST(Metrics, Peers_17_ConnectsAreCountedByServiceAndTierBesideTheOwnLocality) {
  const std::string text = metrics_text(sample());
  const std::string name = "vicinity_service_connects_total";
  const std::string from = R"(,source_zone="z\"1",destination_zone=")";
  EXPECT_THAT(text, HasSubstr(name + R"({service="sample/h",tier="0")" + from + R"(z1"} 6)"));
  EXPECT_THAT(text, HasSubstr(name + R"({service="sample/h",tier="2")" + from + R"(z2"} 5)"));
  EXPECT_THAT(text, HasSubstr(R"(vicinity_service_refused_total{service="sample/empty"} 13)"));
  EXPECT_THAT(text, HasSubstr(R"(vicinity_node_info{node="worker",network="",)"
                              R"(cluster="Kubernetes",region="r")"));
}

TEST(Metrics, ZonesStayWhenServicesAreSwitchedOff) {
  Published quiet = sample();
  quiet.service_series = false;
  const std::string text = metrics_text(quiet);
  EXPECT_THAT(text, Not(HasSubstr("vicinity_service_")));
  const std::string name = R"(vicinity_zone_connects_total{source_zone="z\"1",)";
  EXPECT_THAT(text, HasSubstr(name + R"(destination_zone="z1",near="node"} 4)"));
  EXPECT_THAT(text, HasSubstr(name + R"(destination_zone="z2",near="region"} 6.5)"));
}

std::string http_get(int port) {
  const base::UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) return "";
  constexpr std::string_view kRequest =
      "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
  if (::send(fd.get(), kRequest.data(), kRequest.size(), 0) < 0) return "";
  std::string answer;
  std::array<char, 4096> buffer{};
  ssize_t size = 0;
  while ((size = ::recv(fd.get(), buffer.data(), buffer.size(), 0)) > 0) {
    answer.append(buffer.data(), static_cast<size_t>(size));
  }
  return answer;
}

TEST(Exporter, ServesWhatTheSourceHasNow) {
  auto cell = std::make_shared<PublishedCell>();
  auto exporter = Exporter::start("127.0.0.1:0", [cell] { return cell->load(); });
  ASSERT_TRUE(exporter.ok()) << exporter.status();
  EXPECT_THAT(http_get((*exporter)->port()), HasSubstr("vicinity_feed_nacks_total 0\n"));
  cell->store(std::make_shared<const Published>(sample()));
  EXPECT_THAT(http_get((*exporter)->port()), HasSubstr("vicinity_feed_nacks_total 3\n"));
}

TEST(Exporter, SaysWhichAddressItCannotHave) {
  const auto source = [] { return std::make_shared<const Published>(); };
  auto first = Exporter::start("127.0.0.1:0", source);
  ASSERT_TRUE(first.ok()) << first.status();
  const std::string address = "127.0.0.1:" + std::to_string((*first)->port());
  const auto second = Exporter::start(address, source);
  ASSERT_FALSE(second.ok());
  EXPECT_THAT(std::string(second.status().message()),
              HasSubstr("metrics on " + address + ": cannot listen"));
}

struct EventRow {
  LogFormat format;
  std::string value;
  std::string expected;
};

TEST(Log, FieldsAreQuotedWhenTheyMust) {
  const EventRow rows[] = {
      {LogFormat::kText, "a/b", "resource rejected name=a/b"},
      {LogFormat::kText, "", R"(resource rejected name="")"},
      {LogFormat::kText, "two words", R"(resource rejected name="two words")"},
      {LogFormat::kText, "a\nb", R"(resource rejected name="a\nb")"},
      {LogFormat::kText, "a=b", R"(resource rejected name="a=b")"},
      {LogFormat::kJson, "a\"b", R"("message":"resource rejected","name":"a\"b")"},
  };
  for (const EventRow& row : rows) {
    EXPECT_EQ(event_text(row.format, "resource rejected", {{"name", row.value}}), row.expected);
  }
}

TEST(Log, LinesAreEventsOfTheChosenFormatAndLevel) {
  ::testing::internal::CaptureStderr();
  set_up_logging({.level = LogLevel::kWarn, .format = LogFormat::kJson});
  log_event(LogLevel::kInfo, "not shown");
  log_event(LogLevel::kError, "shown", {{"n", "1"}});
  set_up_logging({.level = LogLevel::kInfo, .format = LogFormat::kText});
  log_event(LogLevel::kInfo, "also shown", {{"n", "2"}});
  const std::string text = ::testing::internal::GetCapturedStderr();
  EXPECT_THAT(text, HasSubstr(R"(Z","level":"error","message":"shown","n":"1"})"
                              "\n"));
  EXPECT_THAT(text, HasSubstr("Z info also shown n=2\n"));
  EXPECT_THAT(text, Not(HasSubstr("not shown")));
  // And are kept, for bundles.
  EXPECT_THAT(recent_log(), HasSubstr("Z info also shown n=2\n"));
  ::testing::internal::CaptureStderr();
  for (size_t i = 0; i < 2 * kKeptLines; ++i) {
    log_event(LogLevel::kInfo, "of a kind of its own: " + std::to_string(i));
  }
  ::testing::internal::GetCapturedStderr();
  const std::string kept = recent_log();
  EXPECT_EQ(std::count(kept.begin(), kept.end(), '\n'), static_cast<long>(kKeptLines));
}

TEST(Log, ABurstOfOneKindLeavesTheOthersAlone) {
  EventLimits limits;
  const absl::Time start = absl::FromUnixSeconds(1000);
  for (uint64_t i = 0; i < EventLimits::kBurst; ++i) EXPECT_EQ(limits.allow("a", start), 0);
  EXPECT_EQ(limits.allow("a", start), std::nullopt);
  EXPECT_EQ(limits.allow("b", start), 0);
  EXPECT_EQ(limits.allow("a", start + EventLimits::kInterval), 1);
}

TEST(Log, AStormOfEventsIsAFewLines) {
  ::testing::internal::CaptureStderr();
  set_up_logging({.level = LogLevel::kInfo, .format = LogFormat::kText});
  for (int i = 0; i < 1000; ++i) log_event(LogLevel::kWarn, "storm", {{"n", std::to_string(i)}});
  for (int i = 0; i < 1000; ++i) spdlog::warn("the same again");
  const std::string text = ::testing::internal::GetCapturedStderr();
  const auto lines = static_cast<uint64_t>(std::ranges::count(text, '\n'));
  EXPECT_EQ(lines, EventLimits::kBurst + 1) << text;
  EXPECT_THAT(text, HasSubstr("storm n=19\n"));
}

TEST(Log, RateLimitCountsWhatItKeptQuiet) {
  RateLimit limit(absl::Seconds(10));
  const absl::Time start = absl::FromUnixSeconds(1000);
  EXPECT_EQ(limit.allow(start), 0);
  EXPECT_EQ(limit.allow(start + absl::Seconds(1)), std::nullopt);
  EXPECT_EQ(limit.allow(start + absl::Seconds(9)), std::nullopt);
  EXPECT_EQ(limit.allow(start + absl::Seconds(10)), 2);
  EXPECT_EQ(limit.allow(start + absl::Seconds(20)), 0);
}

}  // namespace
}  // namespace vicinity::telemetry
