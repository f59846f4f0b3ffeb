// DNS to a service, asked by the clients that people have: dig, over UDP and TCP, and glibc's
// resolver.
#include <filesystem>
#include <fstream>

#include "kernel/dataplane_fixture.h"
#include "support/program.h"

namespace vicinity::testing {
namespace {

namespace fs = std::filesystem;
using model::Family;
using std::chrono::seconds;

class DnsTest : public KernelDataplaneTest {
 protected:
  void SetUp() override {
    KernelDataplaneTest::SetUp();
    for (const char* address : {kBackend4, kBackend6}) {
      auto server = world_->pod("backends")
                        .spawn({.argv = {program_path("vic_dns_server"), address, "answer"}});
      VICINITY_ASSERT_OK(server);
      VICINITY_ASSERT_OK(server->wait_for_line("ready", seconds(10)));
      servers_.push_back(*std::move(server));
    }
    open();
    apply({service_table("ns/dns", {kVip4, kVip6},
                         {port_table(53, Family::kIpv4, {{.address = kBackend4, .port = 53}}),
                          port_table(53, Family::kIpv6, {{.address = kBackend6, .port = 53}})})});
  }

  void TearDown() override {
    servers_.clear();
    KernelDataplaneTest::TearDown();
  }

  [[nodiscard]] std::string run(std::vector<std::string> argv) {
    auto done = world_->pod("client").run(std::move(argv), seconds(30));
    EXPECT_TRUE(is_ok(done));
    if (!done.ok()) return "";
    EXPECT_EQ(done->exit_code, 0) << done->out << done->err;
    return done->out;
  }

  std::vector<Process> servers_;
};

struct DigRow {
  const char* what;
  std::vector<std::string> arguments;
  std::string answer;
};

// dig drops an answer that does not come from the address it asked.
TEST_F(DnsTest, DigIsAnsweredOverUdpAndTcp) {
  const std::string by4 = "\"dns 10.244.1.11\"";
  const std::string by6 = "\"dns fd00:10:244:1::11\"";
  const std::vector<DigRow> rows = {
      {"UDP", {"@10.96.0.10", "name.test", "TXT"}, by4},
      {"UDP, IPv6", {"@fd00:10:96::10", "name.test", "TXT"}, by6},
      {"TCP", {"@10.96.0.10", "+tcp", "name.test", "TXT"}, by4},
      {"TCP, IPv6", {"@fd00:10:96::10", "+tcp", "name.test", "TXT"}, by6},
      {"truncated, so again by TCP", {"@10.96.0.10", "long.test", "TXT"}, by4}};
  for (const DigRow& row : rows) {
    SCOPED_TRACE(row.what);
    std::vector<std::string> argv = {"dig", "+short", "+tries=1", "+time=5"};
    argv.insert(argv.end(), row.arguments.begin(), row.arguments.end());
    EXPECT_THAT(run(std::move(argv)), ::testing::HasSubstr(row.answer));
  }
  EXPECT_EQ(world_->decoy()->arrivals(), Decoy::Arrivals{});
}

// getent asks with getaddrinfo(); resolv.conf is put in place in a mount namespace of its own.
TEST_F(DnsTest, GlibcResolvesOverUdpAndTcp) {
  const fs::path config =
      fs::path(::testing::TempDir()) / ("vicinity-resolv-" + std::to_string(::getpid()));
  for (const std::string server : {kVip4, kVip6}) {
    for (const char* options : {"timeout:5 attempts:1", "timeout:5 attempts:1 use-vc"}) {
      SCOPED_TRACE(server + " " + options);
      std::ofstream(config) << "nameserver " << server << "\noptions " << options << "\n";
      const std::string script = "mount --bind " + config.string() +
                                 " /etc/resolv.conf && exec getent -s dns ahosts name.test";
      const std::string out = run({"unshare", "-m", "sh", "-c", script});
      EXPECT_THAT(out, ::testing::HasSubstr("192.0.2.1"));
      EXPECT_THAT(out, ::testing::HasSubstr("2001:db8::1"));
    }
  }
  fs::remove(config);
  EXPECT_EQ(world_->decoy()->arrivals(), Decoy::Arrivals{});
}

}  // namespace
}  // namespace vicinity::testing
