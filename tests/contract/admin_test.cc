// The admin socket from both ends: vicinityctl's commands against the real server over a fake
// control thread.
#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "admin/server.h"
#include "admin/status.h"
#include "base/unique_fd.h"
#include "compile/compile.h"
#include "ctl/commands.h"
#include "proto/vicinity/admin.grpc.pb.h"

namespace vicinity {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr int kServices = 1500;

// Control's side of the tests: 1500 services, of which the kernel has one table.
class FakeControl : public admin::ControlView {
 public:
  FakeControl() {
    model::Delta delta;
    for (int i = 0; i < kServices; ++i) delta.services.push_back(service(i));
    snapshot_.apply(std::move(delta));
    tables_.services["kept/only-in-the-kernel"] = {
        .name = "kept/only-in-the-kernel", .addresses = {}, .ports = {}};
  }
  [[nodiscard]] const model::Snapshot& snapshot() const override {
    ++questions;
    return snapshot_;
  }
  [[nodiscard]] const compile::CompileOptions& options() const override { return options_; }
  [[nodiscard]] std::optional<compile::ServiceTable> kernel_table(
      std::string_view /*name*/) const override {
    return std::nullopt;
  }
  [[nodiscard]] compile::Tables kernel_tables() const override { return tables_; }
  void refresh() override {
    auto published = std::make_shared<telemetry::Published>();
    published->build.version = "9.9.9";
    published->feed.last_error = "ztunnel requires PILOT_ENABLE_AMBIENT=true";
    published->outcomes.translated = 42;
    cell.store(std::move(published));
  }

  telemetry::PublishedCell cell;
  mutable std::atomic<int> questions{0};

 private:
  model::Service service(int index) {
    model::Symbols& symbols = snapshot_.symbols();
    model::Service service;
    const std::string host = "svc" + std::to_string(10000 + index);
    service.key = symbols.intern("ns/" + host);
    service.name = symbols.intern(host);
    service.name_space = symbols.intern("ns");
    service.hostname = symbols.intern(host);
    service.ports.push_back({.service_port = 80, .target_port = 8080});
    return service;
  }

  model::Snapshot snapshot_{"node", {.network = "", .cluster = "Kubernetes"}};
  compile::CompileOptions options_;
  compile::Tables tables_;
};

struct Ran {
  int exit = -1;
  std::string out;
  std::string err;
};

class AdminSocket : public ::testing::Test {
 protected:
  AdminSocket() : queue_([this] { wake(); }) {
    std::filesystem::create_directories(folder_);
    control_ = std::jthread([this](const std::stop_token& stop) { control_loop(stop); });
  }
  ~AdminSocket() override {
    server_.reset();
    control_.request_stop();
    wake();
    control_.join();
    std::filesystem::remove_all(folder_);
  }

  absl::Status start() { return start_at(socket_); }
  absl::Status start_at(const std::string& path) {
    auto server = admin::AdminServer::start(path, queue_, fresh_status(queue_, view_.cell));
    if (!server.ok()) return server.status();
    server_ = *std::move(server);
    return absl::OkStatus();
  }
  Ran run(std::vector<std::string> args) {
    args.push_back("--admin-socket=" + socket_);
    std::vector<const char*> argv{"vicinityctl"};
    for (const std::string& arg : args) argv.push_back(arg.c_str());
    Ran ran;
    ran.exit = ctl::run_ctl(static_cast<int>(argv.size()), argv.data(),
                            {.out = [&](std::string_view text) { ran.out += text; },
                             .err = [&](std::string_view text) { ran.err += text; }});
    return ran;
  }
  void wake() {
    ++wakes_;
    wakes_.notify_all();
  }
  void control_loop(const std::stop_token& stop) {
    int seen = 0;
    while (!stop.stop_requested()) {
      wakes_.wait(seen);
      seen = wakes_;
      queue_.drain(view_);
    }
  }

  std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() / ("vicinity-admin-" + std::to_string(::getpid()));
  std::string socket_ = (folder_ / "run" / "admin.sock").string();
  FakeControl view_;
  std::atomic<int> wakes_{0};
  admin::ControlQueue queue_;
  std::unique_ptr<admin::AdminServer> server_;
  std::jthread control_;
};

// A socket file, with or without somebody who listens.
base::UniqueFd bind_socket(const std::string& path) {
  base::UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof(address.sun_path) - 1);
  if (::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) fd.reset();
  return fd;
}

TEST_F(AdminSocket, IsOnlyForItsOwnerAndGoesWithTheServer) {
  ASSERT_TRUE(start().ok());
  struct stat info{};
  ASSERT_EQ(::lstat(socket_.c_str(), &info), 0);
  EXPECT_TRUE(S_ISSOCK(info.st_mode));
  EXPECT_EQ(info.st_mode & 0777, 0600);
  int entries = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder_ / "run")) {
    ++entries;
  }
  EXPECT_EQ(entries, 1) << "the folder in which the socket is born is left behind";
  server_.reset();
  EXPECT_FALSE(std::filesystem::exists(socket_));
}

TEST_F(AdminSocket, ReplacesASocketThatNobodyListensOn) {
  std::filesystem::create_directories(folder_ / "run");
  bind_socket(socket_).reset();
  ASSERT_TRUE(start().ok());
  EXPECT_EQ(run({"status"}).exit, 0);
}

TEST_F(AdminSocket, LeavesAloneWhatIsInUse) {
  std::filesystem::create_directories(folder_ / "run");
  const base::UniqueFd fd = bind_socket(socket_);
  ASSERT_TRUE(fd.valid());
  ASSERT_EQ(::listen(fd.get(), 1), 0);
  const absl::Status busy = start();
  EXPECT_TRUE(absl::IsAlreadyExists(busy)) << busy;
  EXPECT_THAT(std::string(busy.message()), HasSubstr("another daemon listens on it"));
  EXPECT_TRUE(std::filesystem::exists(socket_));

  const std::string file = (folder_ / "file").string();
  std::ofstream(file) << "x";
  EXPECT_TRUE(absl::IsAlreadyExists(start_at(file)));
  EXPECT_TRUE(absl::IsInvalidArgument(start_at((folder_ / std::string(120, 'x')).string())));
}

TEST_F(AdminSocket, StatusAndMetricsAreAsFreshAsTheQuestion) {
  ASSERT_TRUE(start().ok());
  const Ran table = run({"status"});
  EXPECT_EQ(table.exit, 0) << table.err;
  EXPECT_THAT(table.out, HasSubstr("vicinityd 9.9.9"));
  EXPECT_THAT(table.out, HasSubstr("ztunnel requires PILOT_ENABLE_AMBIENT=true"));
  EXPECT_THAT(run({"status", "-o", "json"}).out, HasSubstr("\"translated\": 42"));
  EXPECT_THAT(run({"metrics"}).out,
              HasSubstr(R"(vicinity_connects_total{result="translated",reason=""} 42)"));
}

TEST_F(AdminSocket, StatusIsAnsweredWhileControlIsBusyOrStopping) {
  ASSERT_TRUE(start().ok());
  queue_.close();
  EXPECT_EQ(run({"status"}).exit, 0);
  const Ran dump = run({"dump", "snapshot"});
  EXPECT_EQ(dump.exit, ctl::kExitFailed);
  EXPECT_EQ(dump.err, "vicinityctl: vicinityd is stopping\n");
}

TEST_F(AdminSocket, ADumpComesInPartsAndIsWhole) {
  ASSERT_TRUE(start().ok());
  const int before = view_.questions;
  const Ran dump = run({"dump", "snapshot"});
  EXPECT_EQ(dump.exit, 0) << dump.err;
  EXPECT_GT(view_.questions - before, 2);
  EXPECT_EQ(dump.out, to_text(view_.snapshot()));

  const auto stub = admin::Admin::NewStub(
      grpc::CreateChannel("unix:" + socket_, grpc::InsecureChannelCredentials()));
  grpc::ClientContext context;
  admin::DumpRequest request;
  request.set_stage(admin::DumpRequest::PLAN);
  const auto reader = stub->Dump(&context, request);
  admin::TextReply part;
  int parts = 0;
  while (reader->Read(&part)) ++parts;
  EXPECT_TRUE(reader->Finish().ok());
  EXPECT_GT(parts, 1);
}

TEST_F(AdminSocket, ADumpOfTablesShowsWhatOnlyTheKernelHas) {
  ASSERT_TRUE(start().ok());
  EXPECT_EQ(run({"dump", "tables"}).out, "service kept/only-in-the-kernel addresses=\n");
  EXPECT_EQ(
      run({"dump", "tables", "-o", "json"}).out,
      "{\"stage\": \"tables\", \"lines\": [\"service kept/only-in-the-kernel addresses=\"]}\n");
}

TEST_F(AdminSocket, MetricsAreTextOrJson) {
  ASSERT_TRUE(start().ok());
  EXPECT_THAT(run({"metrics"}).out, ::testing::HasSubstr("\nvicinity_feed_connects_total 0\n"));
  EXPECT_THAT(run({"metrics", "-o", "json"}).out,
              ::testing::HasSubstr("\"vicinity_feed_connects_total\": \"0\""));
}

TEST_F(AdminSocket, ServicesAreListedWhole) {
  ASSERT_TRUE(start().ok());
  const Ran table = run({"services"});
  EXPECT_EQ(table.exit, 0) << table.err;
  EXPECT_EQ(std::count(table.out.begin(), table.out.end(), '\n'), kServices + 1);
  EXPECT_TRUE(table.out.ends_with("ns/svc11499  -          80     UNSPECIFIED  0/0\n"));
  const Ran json = run({"services", "-o", "json"});
  EXPECT_TRUE(json.out.starts_with("[\n  {\n    \"name\": \"ns/svc10000\""))
      << json.out.substr(0, 99);
}

struct AskRow {
  std::vector<std::string> args;
  int exit;
  std::string out;
  std::string err;
};

TEST_F(AdminSocket, ExplainAndEndpointsAskTheDaemon) {
  ASSERT_TRUE(start().ok());
  const AskRow rows[] = {
      {{"explain", "--service", "ns/svc10000"}, 0, "ns/svc10000 port 80 ipv4: any", ""},
      {{"explain", "--service", "ns/svc10000", "-o", "json"}, 0, "{\n  \"service\"", ""},
      {{"explain", "--service", "ns/svc10000", "--port", "81"}, 3, "", "vicinityctl: service ns/"},
      {{"explain", "--service", "ns/none"}, 3, "", "vicinityctl: service ns/none: not known\n"},
      {{"endpoints", "ns/svc10000:80"}, 0, "PRIORITY  LOCALITY  WEIGHT  SHARE", ""},
      {{"endpoints", "ns/svc10000", "-o", "json"}, 0, "[\n  {\n    \"service\"", ""},
      {{"endpoints", "ns/svc10000:81"}, 3, "", "vicinityctl: service ns/svc10000"},
      {{"endpoints", "ns/none"}, 3, "", "vicinityctl: service ns/none: not known\n"},
  };
  for (const AskRow& row : rows) {
    const Ran ran = run(row.args);
    SCOPED_TRACE(::testing::PrintToString(row.args));
    EXPECT_EQ(ran.exit, row.exit) << ran.err;
    EXPECT_THAT(ran.out, StartsWith(row.out));
    EXPECT_THAT(ran.err, StartsWith(row.err));
  }
}

}  // namespace
}  // namespace vicinity
