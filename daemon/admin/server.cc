#include "admin/server.h"

#include <grpcpp/grpcpp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <system_error>
#include <utility>

#include "admin/service.h"
#include "base/status.h"
#include "base/unique_fd.h"

namespace vicinity::admin {
namespace {

constexpr mode_t kSocketMode = 0600;
constexpr int kMaxMessageBytes = 64 << 20;
constexpr auto kShutdownGrace = std::chrono::seconds(1);
constexpr std::string_view kTemporaryName = ".vicinity-XXXXXX";

absl::StatusOr<sockaddr_un> socket_address(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) {
    return base::invalid("admin socket {}: path too long (at most {} characters)", path,
                         sizeof(address.sun_path) - 1);
  }
  path.copy(address.sun_path, path.size());
  return address;
}

// Ok when the path is free or a socket without a listener.
absl::Status check_replaceable(const std::string& path) {
  struct stat info{};
  if (::lstat(path.c_str(), &info) != 0) return absl::OkStatus();
  if (!S_ISSOCK(info.st_mode)) {
    return absl::AlreadyExistsError(fmt::format("admin socket {}: exists, is no socket", path));
  }
  VIC_ASSIGN_OR_RETURN(const sockaddr_un address, socket_address(path));
  const base::UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return base::errno_status("admin socket: socket");
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0) {
    return absl::AlreadyExistsError(
        fmt::format("admin socket {}: another daemon listens on it", path));
  }
  return absl::OkStatus();
}

absl::Status make_folder(const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (!error) return absl::OkStatus();
  return base::errno_status(fmt::format("admin socket: make {}", folder.string()), error.value());
}

// A folder of mode 0700, removed with its owner. The socket is born in it, so that nobody can open
// it before it has its mode; the umask belongs to the whole process and is left alone.
class PrivateFolder {
 public:
  static absl::StatusOr<PrivateFolder> make(const std::filesystem::path& parent) {
    std::string path = (parent / kTemporaryName).string();
    if (::mkdtemp(path.data()) == nullptr) {
      return base::errno_status(fmt::format("admin socket: make a folder in {}", parent.string()));
    }
    return PrivateFolder(std::move(path));
  }
  PrivateFolder(PrivateFolder&& other) noexcept : path_(std::exchange(other.path_, "")) {}
  PrivateFolder(const PrivateFolder&) = delete;
  PrivateFolder& operator=(const PrivateFolder&) = delete;
  PrivateFolder& operator=(PrivateFolder&&) = delete;
  ~PrivateFolder() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  [[nodiscard]] std::string socket_path() const { return path_ + "/s"; }

 private:
  explicit PrivateFolder(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

class GrpcAdminServer : public AdminServer {
 public:
  GrpcAdminServer(ControlQueue& queue, telemetry::StatusSource status, Surroundings surroundings)
      : queue_(queue), service_(queue, std::move(status), std::move(surroundings)) {}
  GrpcAdminServer(const GrpcAdminServer&) = delete;
  GrpcAdminServer& operator=(const GrpcAdminServer&) = delete;
  ~GrpcAdminServer() override {
    queue_.close();
    if (!path_.empty()) ::unlink(path_.c_str());
    if (server_ != nullptr) server_->Shutdown(std::chrono::system_clock::now() + kShutdownGrace);
  }

  std::shared_ptr<grpc::Channel> channel() override {
    grpc::ChannelArguments arguments;
    arguments.SetMaxReceiveMessageSize(kMaxMessageBytes);
    return server_->InProcessChannel(arguments);
  }

  absl::Status listen(const std::string& path) {
    const std::filesystem::path parent = std::filesystem::path(path).parent_path();
    VIC_RETURN_IF_ERROR(socket_address(path).status());
    VIC_RETURN_IF_ERROR(make_folder(parent));
    VIC_RETURN_IF_ERROR(check_replaceable(path));
    VIC_ASSIGN_OR_RETURN(const PrivateFolder folder, PrivateFolder::make(parent));
    const std::string born = folder.socket_path();
    VIC_RETURN_IF_ERROR(socket_address(born).status());
    VIC_RETURN_IF_ERROR(serve(born));
    if (::chmod(born.c_str(), kSocketMode) != 0) return base::errno_status("chmod " + born);
    if (::rename(born.c_str(), path.c_str()) != 0) return base::errno_status("rename to " + path);
    path_ = path;
    return absl::OkStatus();
  }

 private:
  absl::Status serve(const std::string& path) {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("unix:" + path, grpc::InsecureServerCredentials());
    builder.RegisterService(&service_);
    builder.SetMaxSendMessageSize(kMaxMessageBytes);
    builder.SetSyncServerOption(grpc::ServerBuilder::SyncServerOption::NUM_CQS, 1);
    builder.SetSyncServerOption(grpc::ServerBuilder::SyncServerOption::MAX_POLLERS, 2);
    server_ = builder.BuildAndStart();
    if (server_ != nullptr) return absl::OkStatus();
    return absl::UnavailableError(fmt::format("admin socket {}: cannot listen", path));
  }

  ControlQueue& queue_;
  AdminService service_;
  std::unique_ptr<grpc::Server> server_;
  std::string path_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<AdminServer>> AdminServer::start(const std::string& socket_path,
                                                                ControlQueue& queue,
                                                                telemetry::StatusSource status,
                                                                Surroundings surroundings) {
  auto server =
      std::make_unique<GrpcAdminServer>(queue, std::move(status), std::move(surroundings));
  VIC_RETURN_IF_ERROR(server->listen(socket_path));
  return server;
}

}  // namespace vicinity::admin
