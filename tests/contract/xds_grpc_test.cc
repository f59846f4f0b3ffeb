// The feed against a real gRPC server on loopback. The feed's clock is the test's own, so that
// waits cost nothing; what the network does is waited for with a deadline.
#include <absl/synchronization/notification.h>
#include <absl/time/clock.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>

#include "base/unique_fd.h"
#include "feed/xds/stream.h"
#include "feed/xds/xds_feed.h"
#include "support/gtest_support.h"
#include "support/temp_folder.h"
#include "unit/xds_fakes.h"
#include "xds_server.h"

namespace vicinity::feed::xds {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

constexpr std::string_view kHost = "istiod.istio-system.svc";
const absl::Duration kDeadline = absl::Seconds(20);

Response response(const std::string& nonce, const std::string& workload_name,
                  const std::string& version = "1") {
  return ResponseBuilder(nonce).add(workload(workload_name), version).message();
}

// The feed on a control thread of its own making: run_until() turns it until something holds.
class Client {
 public:
  explicit Client(const XdsOptions& options)
      : feed_(options, make_grpc_transport(options), [] { return 0.5; }) {}

  void start() {
    const absl::Status status = feed_.start([this] {
      const absl::MutexLock lock(&mutex_);
      woken_ = true;
    });
    ASSERT_TRUE(status.ok()) << status;
  }

  // False when the deadline came first.
  bool run_until(const std::function<bool()>& holds) {
    const absl::Time end = absl::Now() + kDeadline;
    for (;;) {
      while (feed_.process(sink, now)) {
      }
      if (holds()) return true;
      if (absl::Now() > end) return false;
      const absl::MutexLock lock(&mutex_);
      mutex_.AwaitWithTimeout(absl::Condition(&woken_), absl::Milliseconds(20));
      woken_ = false;
    }
  }

  // The stream (or the attempt) ends, and the backoff passes.
  bool run_through_backoff() {
    if (!run_until([&] { return status().state == FeedState::kBackoff; })) return false;
    now = feed_.next_deadline();
    return run_until([&] { return status().state != FeedState::kBackoff; });
  }

  [[nodiscard]] FeedStatus status() const { return feed_.status(); }
  void stop() { feed_.stop(); }

  absl::Time now = absl::FromUnixSeconds(1'000'000);
  FakeSink sink;

 private:
  absl::Mutex mutex_;
  bool woken_ = false;
  XdsFeed feed_;
};

XdsOptions plaintext(const TestServer& server) {
  XdsOptions options = test_options();
  options.address = fmt::format("127.0.0.1:{}", server.port());
  options.auth = Auth::kPlaintext;
  return options;
}

void write_file(const fs::path& path, const std::string& text) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << text;
}

std::string read_file(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(XdsGrpc, PlaintextFromTheFirstRequestToTheAck) {
  TestServer server;
  Client client(plaintext(server));
  client.start();
  server.send(response("n-1", "w1"));
  ASSERT_TRUE(client.run_until([&] { return client.sink.has_workload("w1"); }));
  ASSERT_TRUE(client.run_until([&] { return server.requests().size() == 2; }));
  const auto requests = server.requests();
  EXPECT_THAT(requests[0].node().id(), HasSubstr("ztunnel~10.0.0.9~vicinity-x.istio-system~"));
  EXPECT_EQ(requests[1].response_nonce(), "n-1");
  EXPECT_FALSE(requests[1].has_error_detail());
  EXPECT_EQ(server.metadata("clusterid"), "c1");
  EXPECT_EQ(client.status().connects, 1U);
}

TEST(XdsGrpc, NackArrives) {
  TestServer server;
  Client client(plaintext(server));
  client.start();
  server.send(ResponseBuilder("n-1")
                  .add(workload("w1"))
                  .add(service("bad", {istio::workload::LoadBalancing::UNSPECIFIED_SCOPE}))
                  .message());
  ASSERT_TRUE(client.run_until([&] { return server.requests().size() == 2; }));
  EXPECT_THAT(server.requests()[1].error_detail().message(), HasSubstr("sample/bad: "));
  EXPECT_TRUE(client.sink.has_workload("w1"));
}

TEST(XdsGrpc, TheServersMessageIsShownVerbatim) {
  TestServer server;
  server.refuse_with(
      {grpc::StatusCode::INVALID_ARGUMENT, "ztunnel requires PILOT_ENABLE_AMBIENT=true"});
  Client client(plaintext(server));
  client.start();
  ASSERT_TRUE(client.run_until([&] { return client.status().state == FeedState::kBackoff; }));
  EXPECT_EQ(client.status().last_error, "ztunnel requires PILOT_ENABLE_AMBIENT=true");
  EXPECT_EQ(client.status().connects, 0U);
  server.accept();
  server.send(response("n-1", "w1"));
  ASSERT_TRUE(client.run_through_backoff());
  ASSERT_TRUE(client.run_until([&] { return client.sink.has_workload("w1"); }));
}

TEST(XdsGrpc, NobodyThere) {
  int port = 0;
  {
    TestServer server;
    port = server.port();
  }
  XdsOptions options = test_options();
  options.auth = Auth::kPlaintext;
  options.address = fmt::format("127.0.0.1:{}", port);
  Client client(options);
  client.start();
  ASSERT_TRUE(client.run_until([&] { return client.status().state == FeedState::kBackoff; }));
  EXPECT_THAT(client.status().last_error, HasSubstr("onnect"));
  TestServer server({.listen = options.address, .certificate = {}, .key = {}});
  server.send(response("n-1", "w1"));
  ASSERT_TRUE(client.run_through_backoff());
  ASSERT_TRUE(client.run_until([&] { return client.sink.has_workload("w1"); }));
}

TEST(XdsGrpc, TheStreamEndsInTheMiddleAndVersionsAreSent) {
  TestServer server;
  Client client(plaintext(server));
  client.start();
  server.send(response("n-1", "w1", "abc"));
  ASSERT_TRUE(client.run_until([&] { return client.sink.has_workload("w1"); }));
  server.end_stream({grpc::StatusCode::UNAVAILABLE, "restarting"});
  ASSERT_TRUE(client.run_until([&] { return client.status().state == FeedState::kBackoff; }));
  EXPECT_EQ(client.status().last_error, "restarting");
  ASSERT_TRUE(client.run_through_backoff());
  ASSERT_TRUE(
      client.run_until([&] { return server.streams() == 2 && !server.requests().empty(); }));
  EXPECT_EQ(server.requests()[0].initial_resource_versions().at("w1"), "abc");
  EXPECT_TRUE(client.sink.has_workload("w1"));
}

bool has_ipv6_loopback() {
  const base::UniqueFd socket(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in6 address = {};
  address.sin6_family = AF_INET6;
  address.sin6_addr = in6addr_loopback;
  return ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
}

// Every address of the control plane changes while it is away: the name is resolved again.
TEST(XdsGrpc, Peers_13_comes_back_at_another_address) {
  auto server = std::make_unique<TestServer>();
  const int port = server->port();
  XdsOptions options = plaintext(*server);
  options.address = fmt::format("localhost:{}", port);
  Client client(options);
  client.start();
  server->send(response("n-1", "w1"));
  ASSERT_TRUE(client.run_until([&] { return client.sink.has_workload("w1"); }));
  server.reset();
  server = std::make_unique<TestServer>(
      TestServer::Settings{.listen = fmt::format("[::1]:{}", port), .certificate = {}, .key = {}});
  if (server->port() == 0 && !has_ipv6_loopback())
    VICINITY_SKIP_OR_FAIL("SKIPPED-NO-IPV6: [::1] is not there");
  ASSERT_NE(server->port(), 0);
  server->send(response("n-2", "w2"));
  ASSERT_TRUE(client.run_through_backoff());
  ASSERT_TRUE(client.run_until([&] { return client.sink.has_workload("w2"); }));
}

TEST(XdsGrpc, Peers_z2_a_response_of_thirty_megabytes_is_taken) {
  TestServer server;
  Client client(plaintext(server));
  client.start();
  ResponseBuilder large("n-1");
  const std::string padding(3200, 'x');
  for (int i = 0; i < 10'000; ++i) {
    istio::workload::Address address = workload("w" + std::to_string(i));
    address.mutable_workload()->set_workload_name(padding);
    large.add(address, "1");
  }
  ASSERT_GT(large.message().ByteSizeLong(), size_t{30} << 20);
  server.send(large.message());
  ASSERT_TRUE(client.run_until([&] { return client.sink.messages == 1; }));
  EXPECT_EQ(client.sink.snapshot().workload_count(), 10'000U);
}

TEST(XdsGrpc, Peers_z2_a_response_over_the_limit_is_counted_and_said) {
  TestServer server;
  XdsOptions options = plaintext(server);
  options.max_receive_bytes = 2000;
  Client client(options);
  client.start();
  ResponseBuilder large("n-1");
  for (int i = 0; i < 100; ++i) large.add(workload("w" + std::to_string(i)), "1");
  server.send(large.message());
  ASSERT_TRUE(client.run_until([&] { return client.status().oversized == 1; }));
  EXPECT_THAT(client.status().last_error, HasSubstr("over the receive limit of 2000 bytes"));
  EXPECT_EQ(client.sink.names(), "");
  ASSERT_TRUE(client.run_through_backoff());
  ASSERT_TRUE(client.run_until([&] { return server.streams() == 2; }));
  server.send(response("n-2", "w1"));
  ASSERT_TRUE(client.run_until([&] { return client.sink.has_workload("w1"); }));
}

TEST(XdsGrpc, Peers_z3_a_request_over_the_servers_limit_is_not_sent_again) {
  TestServer server(
      {.listen = "127.0.0.1:0", .certificate = {}, .key = {}, .max_receive_bytes = 2000});
  Client client(plaintext(server));
  client.start();
  ResponseBuilder all("n-1");
  for (int i = 0; i < 200; ++i) all.add(workload("workload-" + std::to_string(i)), "1");
  server.send(all.message());
  ASSERT_TRUE(client.run_until([&] { return client.sink.messages == 1; }));
  server.end_stream({grpc::StatusCode::UNAVAILABLE, "restarting"});
  ASSERT_TRUE(client.run_through_backoff());
  ASSERT_TRUE(client.run_until([&] { return client.status().state == FeedState::kBackoff; }));
  EXPECT_EQ(client.status().oversized, 0U);
  EXPECT_EQ(server.streams(), 2);
  ASSERT_TRUE(client.run_through_backoff());
  ASSERT_TRUE(client.run_until([&] { return !server.requests().empty(); }));
  EXPECT_EQ(server.requests()[0].initial_resource_versions_size(), 0);
  server.send(all.message());
  ASSERT_TRUE(client.run_until([&] { return client.sink.messages == 2; }));
  client.now += absl::Seconds(1);
  ASSERT_TRUE(client.run_until([&] { return client.sink.syncs > 0; }));
  EXPECT_EQ(client.sink.snapshot().workload_count(), 200U);
}

size_t open_files() {
  size_t count = 0;
  for ([[maybe_unused]] const auto& entry : fs::directory_iterator("/proc/self/fd")) ++count;
  return count;
}

TEST(XdsGrpc, AHundredReconnectsLeaveNothingBehind) {
  TestServer server;
  Client client(plaintext(server));
  client.start();
  size_t after_ten = 0;
  for (int i = 0; i < 100; ++i) {
    server.send(response("n-1", "w" + std::to_string(i)));
    ASSERT_TRUE(client.run_until([&] { return client.sink.messages == i + 1; })) << i;
    server.end_stream(grpc::Status::OK);
    ASSERT_TRUE(client.run_through_backoff()) << i;
    if (i == 10) after_ten = open_files();
  }
  EXPECT_EQ(client.status().disconnects, 100U);
  EXPECT_EQ(client.sink.snapshot().workload_count(), 100U);
  EXPECT_LE(open_files(), after_ten + 8);
}

// The sockets of this process that are connected to `port`.
std::vector<int> sockets_to(int port) {
  std::vector<int> found;
  for (const auto& entry : fs::directory_iterator("/proc/self/fd")) {
    const int fd = std::atoi(entry.path().filename().c_str());
    sockaddr_in peer{};
    socklen_t length = sizeof peer;
    if (getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &length) != 0) continue;
    if (ntohs(peer.sin_port) == port) found.push_back(fd);
  }
  return found;
}

TEST(XdsGrpc, Peers_z1_nodelay_is_set) {
  TestServer server;
  Client client(plaintext(server));
  client.start();
  server.send(response("n-1", "w1"));
  ASSERT_TRUE(client.run_until([&] { return client.sink.has_workload("w1"); }));
  const std::vector<int> sockets = sockets_to(server.port());
  ASSERT_EQ(sockets.size(), 1U);
  int nodelay = 0;
  socklen_t length = sizeof nodelay;
  ASSERT_EQ(getsockopt(sockets[0], IPPROTO_TCP, TCP_NODELAY, &nodelay, &length), 0);
  EXPECT_EQ(nodelay, 1);
}

TEST(XdsGrpc, StopDuringEveryPhase) {
  for (int phase = 0; phase < 4; ++phase) {
    TestServer server;
    Client client(plaintext(server));
    client.start();
    if (phase > 0) client.run_until([&] { return !server.requests().empty(); });
    if (phase > 1) server.send(response("n-1", "w1"));
    if (phase > 2) ASSERT_TRUE(client.run_until([&] { return client.sink.has_workload("w1"); }));
    client.stop();
    EXPECT_EQ(client.status().state, FeedState::kStopped);
  }
}

// One certificate authority and one server certificate for kHost in a folder of its own.
class XdsTls : public ::testing::Test {
 protected:
  struct Authority {
    fs::path root;
    fs::path certificate;
    fs::path key;
  };

  void SetUp() override { write_file(folder_ / "token", "token-one\n"); }

  Authority make_authority(const std::string& name) {
    const Authority made{.root = folder_ / (name + "-root.pem"),
                         .certificate = folder_ / (name + ".pem"),
                         .key = folder_ / (name + ".key")};
    const std::string base = (folder_ / name).string();
    const std::string new_key = "openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
    shell(fmt::format("{} -x509 -days 2 -subj /CN={}-root -keyout {}-root.key -out {}", new_key,
                      name, base, made.root.string()));
    shell(fmt::format("{} -subj /CN={} -keyout {} -out {}.csr", new_key, name, made.key.string(),
                      base));
    write_file(base + ".ext", fmt::format("subjectAltName=DNS:{}\n", kHost));
    shell(
        fmt::format("openssl x509 -req -days 2 -in {0}.csr -CA {1} -CAkey {0}-root.key "
                    "-CAcreateserial -extfile {0}.ext -out {2}",
                    base, made.root.string(), made.certificate.string()));
    return made;
  }

  static std::unique_ptr<TestServer> serve(const Authority& authority,
                                           const std::string& listen = "127.0.0.1:0") {
    return std::make_unique<TestServer>(
        TestServer::Settings{.listen = listen,
                             .certificate = read_file(authority.certificate),
                             .key = read_file(authority.key)});
  }

  XdsOptions tls(const TestServer& server) {
    XdsOptions options = test_options();
    options.address = fmt::format("127.0.0.1:{}", server.port());
    options.sni = kHost;
    options.root_cert_path = folder_ / "root.pem";
    options.token_path = folder_ / "token";
    return options;
  }

  testing::TempFolder folder_ = testing::TempFolder::create("xds").value();

 private:
  static void shell(const std::string& command) {
    ASSERT_EQ(std::system((command + " 2>/dev/null").c_str()), 0) << command;
  }
};

TEST_F(XdsTls, TokenIsSentAndReadAgain) {
  const Authority authority = make_authority("one");
  fs::copy_file(authority.root, folder_ / "root.pem");
  const auto server = serve(authority);
  Client client(tls(*server));
  client.start();
  server->send(response("n-1", "w1"));
  ASSERT_TRUE(client.run_until([&] { return client.sink.has_workload("w1"); }))
      << client.status().last_error;
  EXPECT_EQ(server->metadata("authorization"), "Bearer token-one");
  EXPECT_EQ(server->metadata("clusterid"), "c1");
  write_file(folder_ / "token", "token-two");
  server->end_stream(grpc::Status::OK);
  ASSERT_TRUE(client.run_through_backoff());
  ASSERT_TRUE(client.run_until([&] { return server->streams() == 2; }));
  EXPECT_EQ(server->metadata("authorization"), "Bearer token-two");
}

TEST_F(XdsTls, AVanishedTokenIsNamedAndReadWhenItIsBack) {
  const Authority authority = make_authority("one");
  fs::copy_file(authority.root, folder_ / "root.pem");
  const auto server = serve(authority);
  Client client(tls(*server));
  client.start();
  server->send(response("n-1", "w1"));
  ASSERT_TRUE(client.run_until([&] { return client.sink.has_workload("w1"); }));
  fs::remove(folder_ / "token");
  server->end_stream(grpc::Status::OK);
  ASSERT_TRUE(client.run_through_backoff());
  ASSERT_TRUE(client.run_until([&] {
    return client.status().last_error.find("token") != std::string::npos;
  })) << client.status().last_error;
  EXPECT_TRUE(client.sink.has_workload("w1")) << "nothing is lost";
  write_file(folder_ / "token", "token-two");
  ASSERT_TRUE(client.run_through_backoff());
  ASSERT_TRUE(client.run_until([&] { return server->streams() == 2; }));
  EXPECT_EQ(server->metadata("authorization"), "Bearer token-two");
}

TEST_F(XdsTls, RootCertificateIsReadAgain) {
  const Authority old_one = make_authority("old");
  const Authority new_one = make_authority("new");
  fs::copy_file(old_one.root, folder_ / "root.pem");
  const auto server = serve(new_one);
  Client client(tls(*server));
  client.start();
  ASSERT_TRUE(client.run_until([&] { return client.status().state == FeedState::kBackoff; }));
  EXPECT_EQ(server->streams(), 0);
  fs::copy_file(new_one.root, folder_ / "root.pem", fs::copy_options::overwrite_existing);
  server->send(response("n-1", "w1"));
  ASSERT_TRUE(client.run_through_backoff());
  ASSERT_TRUE(client.run_until([&] { return client.sink.has_workload("w1"); }))
      << client.status().last_error;
}

TEST_F(XdsTls, AnotherNameThanTheCertificatesIsRefused) {
  const Authority authority = make_authority("one");
  fs::copy_file(authority.root, folder_ / "root.pem");
  const auto server = serve(authority);
  XdsOptions options = tls(*server);
  options.sni = "elsewhere.example.com";
  Client client(options);
  client.start();
  ASSERT_TRUE(client.run_until([&] { return client.status().state == FeedState::kBackoff; }));
  EXPECT_EQ(server->streams(), 0);
  EXPECT_FALSE(client.status().last_error.empty());
}

TEST_F(XdsTls, MissingFilesAreNamedAndRetried) {
  const Authority authority = make_authority("one");
  const auto server = serve(authority);
  fs::remove(folder_ / "token");
  Client client(tls(*server));
  client.start();
  ASSERT_TRUE(client.run_until([&] { return client.status().state == FeedState::kBackoff; }));
  EXPECT_THAT(client.status().last_error, HasSubstr("token " + (folder_ / "token").string()));
  write_file(folder_ / "token", "t");
  ASSERT_TRUE(client.run_through_backoff());
  ASSERT_TRUE(client.run_until([&] { return client.status().state == FeedState::kBackoff; }));
  EXPECT_THAT(client.status().last_error, HasSubstr("root certificate " + folder_.string()));
  fs::copy_file(authority.root, folder_ / "root.pem");
  server->send(response("n-1", "w1"));
  ASSERT_TRUE(client.run_through_backoff());
  ASSERT_TRUE(client.run_until([&] { return client.sink.has_workload("w1"); }));
}

TEST_F(XdsTls, TheTokenDoesNotGoOverPlaintext) {
  TestServer server;
  XdsOptions options = tls(server);
  options.auth = Auth::kPlaintext;
  options.sni.clear();
  Client client(options);
  client.start();
  ASSERT_TRUE(client.run_until([&] { return !server.requests().empty(); }));
  EXPECT_EQ(server.metadata("authorization"), "");
}

}  // namespace
}  // namespace vicinity::feed::xds
