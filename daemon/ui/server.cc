#include "ui/server.h"

#include <civetweb.h>
#include <sys/random.h>

#include <array>
#include <string_view>
#include <utility>

#include "base/status.h"
#include "telemetry/log.h"
#include "ui/answers.h"
#include "ui/hosts.h"
#include "ui/page.h"

namespace vicinity::ui {
namespace {

constexpr int kOk = 200;
constexpr int kMethodNotAllowed = 405;
// RFC 9110 15.5.20: "Misdirected Request".
constexpr int kMisdirected = 421;
constexpr size_t kLongestParameter = 1024;

struct Response {
  int status = kOk;
  std::string_view type = "text/plain; charset=utf-8";
  std::string body;
  std::string nonce;  // of the page's style and script
};

std::string new_nonce() {
  std::array<unsigned char, 16> bytes{};
  // 16 bytes are never cut short (getrandom(2)).
  if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) return "";
  std::string text;
  for (const unsigned char byte : bytes) text += fmt::format("{:02x}", byte);
  return text;
}

// Nothing from elsewhere, nothing inside of others, no form and no plugin.
std::string security_policy(const std::string& nonce) {
  const std::string own = nonce.empty() ? "'none'" : fmt::format("'nonce-{}'", nonce);
  return fmt::format(
      "default-src 'none'; script-src {0}; style-src {0}; img-src data:; connect-src 'self'; "
      "base-uri 'none'; "
      "form-action 'none'; frame-ancestors 'none'",
      own);
}

void send(mg_connection* connection, const Response& response, bool with_body) {
  const std::string head = fmt::format(
      "HTTP/1.1 {} {}\r\nContent-Type: {}\r\nContent-Length: {}\r\nConnection: close\r\n"
      "Cache-Control: no-store\r\nContent-Security-Policy: {}\r\n"
      "Cross-Origin-Opener-Policy: same-origin\r\nCross-Origin-Resource-Policy: same-origin\r\n"
      "Referrer-Policy: no-referrer\r\nX-Content-Type-Options: nosniff\r\n"
      "X-Frame-Options: DENY\r\n\r\n",
      response.status, mg_get_response_code_text(connection, response.status), response.type,
      response.body.size(), security_policy(response.nonce));
  mg_write(connection, head.data(), head.size());
  if (with_body) mg_write(connection, response.body.data(), response.body.size());
}

std::string parameter_of(const mg_request_info& request, std::string_view name) {
  if (request.query_string == nullptr) return "";
  const std::string_view query = request.query_string;
  std::array<char, kLongestParameter> value{};
  const int size =
      mg_get_var(query.data(), query.size(), std::string(name).c_str(), value.data(), value.size());
  return size < 0 ? "" : std::string(value.data(), static_cast<size_t>(size));
}

class HttpServer : public Server {
 public:
  HttpServer(std::string host, std::shared_ptr<grpc::Channel> channel)
      : host_(std::move(host)), channel_(std::move(channel)) {}
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;
  ~HttpServer() override {
    if (context_ != nullptr) mg_stop(context_);
    mg_exit_library();
  }

  absl::Status listen(const std::string& address) {
    mg_init_library(0);
    std::array<const char*, 9> options{"listening_ports",
                                       address.c_str(),
                                       "num_threads",
                                       "4",
                                       "request_timeout_ms",
                                       "10000",
                                       "enable_directory_listing",
                                       "no",
                                       nullptr};
    std::array<char, 256> problem{};
    mg_init_data settings{};
    settings.configuration_options = options.data();
    unsigned code = 0;
    mg_error_data error{};
    error.code = &code;
    error.text = problem.data();
    error.text_buffer_size = problem.size();
    context_ = mg_start2(&settings, &error);
    if (context_ == nullptr) {
      return absl::UnavailableError(
          fmt::format("page on {}: cannot listen: {}", address, problem.data()));
    }
    mg_set_request_handler(context_, "**", &HttpServer::handle, this);
    return absl::OkStatus();
  }

 private:
  static int handle(mg_connection* connection, void* self) {
    const mg_request_info& request = *mg_get_request_info(connection);
    const Response response = static_cast<HttpServer*>(self)->respond(connection, request);
    send(connection, response, std::string_view(request.request_method) != "HEAD");
    return response.status;
  }

  Response respond(mg_connection* connection, const mg_request_info& request) {
    const std::string_view method = request.request_method;
    const char* host = mg_get_header(connection, "Host");
    if (host == nullptr || !is_our_host(host, host_)) {
      return {.status = kMisdirected, .body = "not a name of this server\n", .nonce = ""};
    }
    if (method != "GET" && method != "HEAD") {
      return {.status = kMethodNotAllowed, .body = "only GET and HEAD\n", .nonce = ""};
    }
    const std::string_view path = request.local_uri == nullptr ? "" : request.local_uri;
    if (path == "/") return whole_page();
    auto client = ctl::AdminClient::over(channel_);
    Answer found =
        answer(client, path, [&](std::string_view name) { return parameter_of(request, name); });
    return {.status = found.status,
            .type = "application/json",
            .body = std::move(found.json),
            .nonce = ""};
  }

  static Response whole_page() {
    const std::string nonce = new_nonce();
    return {.type = "text/html; charset=utf-8", .body = page(nonce), .nonce = nonce};
  }

  std::string host_;
  std::shared_ptr<grpc::Channel> channel_;
  mg_context* context_ = nullptr;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Server>> Server::start(const ServerOptions& options,
                                                      std::shared_ptr<grpc::Channel> channel) {
  auto server = std::make_unique<HttpServer>(options.host, std::move(channel));
  VIC_RETURN_IF_ERROR(server->listen(options.address));
  if (!is_loopback(options.host)) {
    telemetry::log_event(telemetry::LogLevel::kWarn, "the page is open to others than this node",
                         {{"address", options.address}});
  }
  return server;
}

}  // namespace vicinity::ui
