// The dev control plane over real gRPC on loopback: what a client gets, and what is noted about it.
#include "devcp/dev_control_plane.h"

#include <gmock/gmock.h>
#include <grpcpp/create_channel.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "feed/file/mesh_file.h"
#include "proto/ads.grpc.pb.h"
#include "support/gtest_support.h"
#include "support/program.h"
#include "support/temp_folder.h"

#if __has_feature(address_sanitizer)
// Debian's c-ares 1.18 leaks ten bytes for each name it finds in /etc/hosts.
extern "C" const char* __lsan_default_suppressions();  // NOLINT(bugprone-reserved-identifier)
const char* __lsan_default_suppressions() {            // NOLINT(bugprone-reserved-identifier)
  return "leak:libcares";
}
#endif

namespace vicinity::devcp {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr absl::Duration kDeadline = absl::Seconds(20);
constexpr char kNode[] = "ztunnel~10.0.0.1~vicinity.istio-system~istio-system.svc.cluster.local";

// "uid@zone uid@zone": a state of workloads.
std::vector<feed::NamedAddress> state(
    const std::vector<std::pair<std::string, std::string>>& rows) {
  std::vector<feed::NamedAddress> resources;
  for (const auto& [uid, zone] : rows) {
    feed::NamedAddress each{.name = uid, .address = {}};
    each.address.mutable_workload()->set_uid(uid);
    each.address.mutable_workload()->mutable_locality()->set_zone(zone);
    resources.push_back(std::move(each));
  }
  return resources;
}

// Names only, as versions are hashes: "+a +b -c".
std::string text(const Response& response) {
  std::string out;
  for (const auto& each : response.resources()) out += "+" + each.name() + " ";
  for (const auto& name : response.removed_resources()) out += "-" + name + " ";
  if (!out.empty()) out.pop_back();
  return out;
}

class Client {
 public:
  struct Options {
    std::string token;
    std::shared_ptr<grpc::ChannelCredentials> credentials = grpc::InsecureChannelCredentials();
  };

  explicit Client(const std::string& address) : Client(address, Options()) {}
  Client(const std::string& address, const Options& options)
      : stub_(envoy::service::discovery::v3::AggregatedDiscoveryService::NewStub(
            grpc::CreateChannel(address, options.credentials))) {
    context_.set_deadline(std::chrono::system_clock::now() + absl::ToChronoSeconds(kDeadline));
    if (!options.token.empty()) context_.AddMetadata("authorization", "Bearer " + options.token);
    stream_ = stub_->DeltaAggregatedResources(&context_);
  }
  ~Client() {
    context_.TryCancel();
    if (!finished_) finish();
  }

  void send(Request request) {
    request.set_type_url(std::string(kAddressType));
    stream_->Write(request);
  }
  void subscribe(const std::map<std::string, std::string>& versions = {}) {
    Request request;
    request.mutable_node()->set_id(kNode);
    (*request.mutable_node()->mutable_metadata()->mutable_fields())["CLUSTER_ID"].set_string_value(
        "Kubernetes");
    request.mutable_initial_resource_versions()->insert(versions.begin(), versions.end());
    send(request);
  }
  void ack(const Response& response) {
    Request request;
    request.set_response_nonce(response.nonce());
    send(request);
  }
  void nack(const Response& response, const std::string& message) {
    Request request;
    request.set_response_nonce(response.nonce());
    request.mutable_error_detail()->set_message(message);
    send(request);
  }
  // The next response; ends the test's patience with the deadline.
  Response read() {
    Response response;
    EXPECT_TRUE(stream_->Read(&response));
    EXPECT_EQ(response.type_url(), kAddressType);
    return response;
  }
  std::string read_and_ack() {
    const Response response = read();
    ack(response);
    return text(response);
  }
  // How the server ended the stream.
  grpc::Status finish() {
    Response response;
    while (stream_->Read(&response)) {
    }
    finished_ = true;
    return stream_->Finish();
  }

 private:
  std::unique_ptr<envoy::service::discovery::v3::AggregatedDiscoveryService::Stub> stub_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReaderWriter<Request, Response>> stream_;
  bool finished_ = false;
};

std::unique_ptr<DevControlPlane> start(DevOptions options = {}) {
  auto plane = DevControlPlane::start(std::move(options));
  EXPECT_TRUE(vicinity::testing::is_ok(plane.status()));
  return *std::move(plane);
}

TEST(DevControlPlane, ServesEverythingToAWildcard) {
  const auto plane = start();
  plane->set_resources(state({{"a", "z1"}, {"b", "z1"}}));
  Client client(plane->address());
  client.subscribe();
  EXPECT_EQ(client.read_and_ack(), "+a +b");
  ASSERT_TRUE(plane->wait_acked(kDeadline));
  const DevStatus status = plane->status();
  ASSERT_THAT(status.streams, SizeIs(1));
  EXPECT_EQ(status.streams[0].node_id, kNode);
  EXPECT_EQ(status.streams[0].metadata.at("CLUSTER_ID"), "Kubernetes");
  EXPECT_TRUE(status.streams[0].wildcard);
  EXPECT_THAT(status.streams[0].acked, SizeIs(1));
  EXPECT_THAT(status.streams[0].nacked, IsEmpty());
  EXPECT_THAT(status.versions, SizeIs(2));
}

TEST(DevControlPlane, SendsWhatChanges) {
  const auto plane = start();
  plane->set_resources(state({{"a", "z1"}, {"b", "z1"}, {"c", "z1"}}));
  Client client(plane->address());
  client.subscribe();
  EXPECT_EQ(client.read_and_ack(), "+a +b +c");
  plane->set_resources(state({{"a", "z1"}, {"b", "z2"}, {"d", "z1"}}));
  EXPECT_EQ(client.read_and_ack(), "+b +d -c");
  // The same again is no change, so the next response is about the next one.
  plane->set_resources(state({{"a", "z1"}, {"b", "z2"}, {"d", "z1"}}));
  plane->set_resources({});
  EXPECT_EQ(client.read_and_ack(), "-a -b -d");
}

TEST(DevControlPlane, NotAckedUntilAnswered) {
  const auto plane = start();
  plane->set_resources(state({{"a", "z1"}}));
  EXPECT_FALSE(plane->wait_acked(absl::ZeroDuration()));
  Client client(plane->address());
  client.subscribe();
  const Response response = client.read();
  EXPECT_FALSE(plane->wait_acked(absl::ZeroDuration()));
  EXPECT_THAT(plane->status().streams.at(0).unanswered, ElementsAre(response.nonce()));
  client.ack(response);
  EXPECT_TRUE(plane->wait_acked(kDeadline));
}

TEST(DevControlPlane, RecordsNacks) {
  const auto plane = start();
  plane->set_resources(state({{"a", "z1"}}));
  Client client(plane->address());
  client.subscribe();
  const Response response = client.read();
  client.nack(response, "a: bad");
  client.ack(response);  // answered already
  ASSERT_TRUE(plane->wait_nacks(1, kDeadline));
  ASSERT_TRUE(plane->wait_acked(kDeadline));
  plane->set_resources(state({{"a", "z2"}}));
  EXPECT_EQ(client.read_and_ack(), "+a");
  ASSERT_TRUE(plane->wait_acked(kDeadline));
  const StreamStatus stream = plane->status().streams.at(0);
  ASSERT_THAT(stream.nacked, SizeIs(1));
  EXPECT_EQ(stream.nacked[0].nonce, response.nonce());
  EXPECT_EQ(stream.nacked[0].message, "a: bad");
  EXPECT_THAT(stream.unknown, ElementsAre(response.nonce()));
}

TEST(DevControlPlane, ReconnectGetsTheDifference) {
  const auto plane = start();
  plane->set_resources(state({{"a", "z1"}, {"b", "z1"}, {"c", "z1"}}));
  std::map<std::string, std::string> versions = plane->status().versions;
  plane->set_resources(state({{"a", "z1"}, {"b", "z2"}, {"d", "z1"}}));
  Client client(plane->address());
  client.subscribe(versions);
  EXPECT_EQ(client.read_and_ack(), "+b +d -c");
  EXPECT_EQ(plane->status().streams.at(0).initial_versions, versions);
  // Up to date: an empty response says that this is all.
  Client second(plane->address());
  second.subscribe(plane->status().versions);
  EXPECT_EQ(second.read_and_ack(), "");
}

TEST(DevControlPlane, DifferenceInParts) {
  const auto plane = start({.parts = 2});
  plane->set_resources(state({{"a", "z"}, {"b", "z"}, {"c", "z"}, {"d", "z"}}));
  Client client(plane->address());
  client.subscribe({{"gone", "1"}});
  EXPECT_EQ(client.read_and_ack(), "+a +b");
  EXPECT_EQ(client.read_and_ack(), "+c +d -gone");
  plane->set_parts(1);
  Client second(plane->address());
  second.subscribe();
  EXPECT_EQ(second.read_and_ack(), "+a +b +c +d");
}

TEST(DevControlPlane, SomeNamesOnly) {
  const auto plane = start();
  plane->set_resources(state({{"a", "z1"}, {"b", "z1"}}));
  Client client(plane->address());
  Request request;
  request.mutable_node()->set_id(kNode);
  request.add_resource_names_subscribe("a");
  request.add_resource_names_subscribe("x");
  client.send(request);
  EXPECT_EQ(client.read_and_ack(), "+a -x");
  plane->set_resources(state({{"a", "z1"}, {"b", "z2"}}));
  plane->set_resources(state({{"a", "z2"}, {"b", "z2"}}));
  EXPECT_EQ(client.read_and_ack(), "+a");
  Request more;
  more.add_resource_names_subscribe("b");
  client.send(more);
  EXPECT_EQ(client.read_and_ack(), "+b");
}

TEST(DevControlPlane, DeniesWithItsOwnWords) {
  const auto plane = start();
  plane->set_faults({.deny = "ztunnel requires PILOT_ENABLE_AMBIENT=true"});
  {
    Client client(plane->address());
    const grpc::Status status = client.finish();
    EXPECT_EQ(status.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
    EXPECT_EQ(status.error_message(), "ztunnel requires PILOT_ENABLE_AMBIENT=true");
  }
  EXPECT_EQ(plane->status().denied, 1U);
  plane->set_faults({});
  Client client(plane->address());
  client.subscribe();
  EXPECT_EQ(client.read_and_ack(), "");
}

TEST(DevControlPlane, RefusesNodeIdsThatIstiodRefuses) {
  const auto plane = start();
  Client client(plane->address());
  Request request;
  request.mutable_node()->set_id("vicinity");
  client.send(request);
  const grpc::Status status = client.finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), HasSubstr("missing parts in the service node"));
}

TEST(DevControlPlane, WantsItsToken) {
  const auto plane = start({.token = "secret"});
  {
    Client client(plane->address());
    EXPECT_EQ(client.finish().error_code(), grpc::StatusCode::UNAUTHENTICATED);
  }
  Client client(plane->address(), {.token = "secret"});
  client.subscribe();
  EXPECT_EQ(client.read_and_ack(), "");
  EXPECT_EQ(plane->status().streams.at(0).authorization, "Bearer secret");
  EXPECT_THAT(plane->status().to_json().dump(), ::testing::Not(HasSubstr("secret")));
}

TEST(DevControlPlane, ClosesStreams) {
  const auto plane = start();
  Client client(plane->address());
  client.subscribe();
  EXPECT_EQ(client.read_and_ack(), "");
  EXPECT_TRUE(plane->wait_open_streams(1, kDeadline));
  plane->close_streams("going down");
  const grpc::Status status = client.finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(status.error_message(), "going down");
  EXPECT_TRUE(plane->wait_open_streams(0, kDeadline));
  EXPECT_EQ(plane->status().open_streams(), 0U);
  Client second(plane->address());
  second.subscribe();
  EXPECT_EQ(second.read_and_ack(), "");
  plane->close_streams("");
  EXPECT_TRUE(second.finish().ok());
}

TEST(DevControlPlane, NoticesThatAClientHasGone) {
  const auto plane = start();
  {
    Client client(plane->address());
    client.subscribe();
    EXPECT_EQ(client.read_and_ack(), "");
    ASSERT_TRUE(plane->wait_open_streams(1, kDeadline));
  }
  EXPECT_TRUE(plane->wait_open_streams(0, kDeadline));
}

TEST(DevControlPlane, StopsWithStreamsOpen) {
  const auto plane = start();
  Client client(plane->address());
  client.subscribe();
  EXPECT_EQ(client.read_and_ack(), "");
  plane->stop();
  EXPECT_FALSE(client.finish().ok());
  plane->stop();
}

// A recorded message goes out as it was, but for the nonce; who comes later gets the state.
TEST(DevControlPlane, PlaysARecording) {
  VICINITY_RECORDINGS_OR_SKIP(const auto recordings);
  VICINITY_ASSERT_OK_AND_ASSIGN(const auto steps, load_recording(recordings / "kinds"));
  const auto plane = start();
  Client client(plane->address());
  client.subscribe();
  EXPECT_EQ(client.read_and_ack(), "");
  std::set<std::string> nonces;
  for (const Step& step : steps) {
    plane->apply(step);
    for (Response expected : std::get<std::vector<Response>>(step.content)) {
      Response got = client.read();
      client.ack(got);
      EXPECT_TRUE(nonces.insert(got.nonce()).second);
      expected.clear_nonce();
      got.clear_nonce();
      EXPECT_EQ(got.SerializeAsString(), expected.SerializeAsString()) << step.name;
    }
  }
  ASSERT_TRUE(plane->wait_acked(kDeadline));
  Client late(plane->address());
  late.subscribe();
  EXPECT_EQ(static_cast<size_t>(late.read().resources_size()), plane->status().versions.size());
  Client current(plane->address());
  current.subscribe(plane->status().versions);
  EXPECT_EQ(current.read_and_ack(), "");
}

class Scratch {
 public:
  [[nodiscard]] std::string operator/(const std::string& name) const { return folder_ / name; }
  [[nodiscard]] std::string read(const std::string& name) const {
    std::ifstream file(folder_ / name);
    return {std::istreambuf_iterator<char>(file), {}};
  }

 private:
  testing::TempFolder folder_ = testing::TempFolder::create("devcp").value();
};

TEST(DevControlPlane, SpeaksTls) {
  const Scratch scratch;
  const std::string command =
      "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj "
      "/CN=devcp -addext subjectAltName=DNS:localhost -keyout " +
      scratch / "key.pem" + " -out " + scratch / "cert.pem" + " 2>/dev/null";
  ASSERT_EQ(std::system(command.c_str()), 0);  // NOLINT(cert-env33-c): a test's certificate
  const auto plane = start({.tls_cert = scratch / "cert.pem", .tls_key = scratch / "key.pem"});
  const Client::Options secure{
      .credentials = grpc::SslCredentials({.pem_root_certs = scratch.read("cert.pem")})};
  const std::string address = "localhost:" + std::to_string(plane->port());
  Client client(address, secure);
  client.subscribe();
  EXPECT_EQ(client.read_and_ack(), "");
  Client plain(plane->address());
  EXPECT_FALSE(plain.finish().ok());
}

TEST(DevControlPlane, SaysWhyItCannotStart) {
  const auto first = start();
  const auto taken = DevControlPlane::start({.listen = first->address()});
  EXPECT_THAT(std::string(base::message(taken.status())), HasSubstr("cannot listen on 127.0.0.1:"));
  const auto no_key =
      DevControlPlane::start({.tls_cert = "/nonexistent", .tls_key = "/nonexistent"});
  EXPECT_THAT(std::string(base::message(no_key.status())), HasSubstr("/nonexistent"));
}

// The program itself, driven through its standard input.
std::string run(const std::string& command) {
  std::string output;
  FILE* pipe = popen(command.c_str(), "r");  // NOLINT(cert-env33-c): a program of this build
  if (pipe == nullptr) return "popen failed";
  for (int c = fgetc(pipe); c != EOF; c = fgetc(pipe)) output.push_back(static_cast<char>(c));
  pclose(pipe);
  return output;
}

TEST(Program, StepsThroughMeshFiles) {
  const std::string program = vicinity::testing::program_path("vicinity-devcp");
  const std::string steps = vicinity::testing::test_data_dir() / "walkthrough";
  const std::string output = run("printf 'steps\\nstep\\nquit\\n' | " + program +
                                 " --listen 127.0.0.1:0 --step-dir " + steps);
  EXPECT_THAT(output, HasSubstr("{\"listening\": \"127.0.0.1:"));
  EXPECT_THAT(output, HasSubstr("\"09-policy-none\"], \"next\": 1}"));
  EXPECT_THAT(output, HasSubstr("{\"step\": \"01-delete-local\", \"left\": 8}"));
}

// A line to the control socket and its answer; empty while nobody listens.
std::string ask(const std::string& socket_path, const std::string& line) {
  const base::UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  socket_path.copy(address.sun_path, sizeof(address.sun_path) - 1);
  if (connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    return "";
  }
  EXPECT_EQ(write(fd.get(), line.data(), line.size()), static_cast<ssize_t>(line.size()));
  std::string answer;
  for (char c = 0; read(fd.get(), &c, 1) == 1 && c != '\n';) answer.push_back(c);
  return answer;
}

TEST(Program, FollowsAMeshFileAndTalksOnASocket) {
  const Scratch scratch;
  const std::string control = scratch / "control";
  std::ofstream(scratch / "mesh.yaml") << "workload: {uid: before}\n";
  const std::string program = vicinity::testing::program_path("vicinity-devcp") +
                              " --listen 127.0.0.1:0 --control " + control + " --mesh " +
                              scratch / "mesh.yaml" + " > /dev/null";
  FILE* pipe = popen(program.c_str(), "w");  // NOLINT(cert-env33-c): a program of this build
  ASSERT_NE(pipe, nullptr);
  const auto until = [&](const std::string& part) {
    const absl::Time deadline = absl::Now() + kDeadline;
    while (absl::Now() < deadline) {
      if (ask(control, "status\n").find(part) != std::string::npos) return true;
    }
    return false;
  };
  EXPECT_TRUE(until("\"versions\": {\"before\": \""));
  std::ofstream(scratch / "new.yaml") << "workload: {uid: after}\n";
  fs::rename(scratch / "new.yaml", scratch / "mesh.yaml");
  EXPECT_TRUE(until("\"versions\": {\"after\": \""));
  EXPECT_EQ(ask(control, "quit\n"), "{\"ok\": true}");
  EXPECT_EQ(pclose(pipe), 0);
}

TEST(Program, SaysWhatIsWrong) {
  const std::string program = vicinity::testing::program_path("vicinity-devcp");
  EXPECT_THAT(run(program + " --recording /nonexistent 2>&1"),
              HasSubstr("vicinity-devcp: /nonexistent: No such file or directory"));
  EXPECT_THAT(run(program + " 2>&1"), HasSubstr("--recording] is required"));
}

}  // namespace
}  // namespace vicinity::devcp
