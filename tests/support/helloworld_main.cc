// vic_helloworld: the demo's and the tests' service. Says "ready" on stdout when all of its
// addresses are open.
#include <fmt/format.h>

#include <charconv>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"
#include "support/hello_server.h"
#include "support/ip.h"

namespace vicinity::testing {
namespace {

constexpr char kUsage[] =
    "usage: vic_helloworld [--version V] [--instance NAME] {--http|--banner|--udp "
    "ADDRESS:PORT}...\n"
    "  --http    answers GET /hello with \"Hello version: V, instance: NAME\"\n"
    "  --banner  writes NAME and closes\n"
    "  --udp     answers each datagram with NAME\n"
    "  Without --instance, NAME is the local address that was reached. IPv6: [ADDRESS]:PORT.\n";

struct Listen {
  ServeProtocol protocol;
  SocketAddress address;
};

struct Options {
  HelloName name;
  std::vector<Listen> listens;
};

absl::StatusOr<SocketAddress> parse_address(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return base::invalid("address '{}': no port", text);
  std::string_view host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  VIC_ASSIGN_OR_RETURN(const Ip ip, parse_ip(host));
  const std::string_view digits = text.substr(colon + 1);
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (error != std::errc() || end != digits.data() + digits.size()) {
    return base::invalid("address '{}': bad port", text);
  }
  return socket_address(ip, port);
}

std::optional<ServeProtocol> protocol_of(std::string_view flag) {
  if (flag == "--http") return ServeProtocol::kHttp;
  if (flag == "--banner") return ServeProtocol::kBanner;
  if (flag == "--udp") return ServeProtocol::kUdp;
  return std::nullopt;
}

absl::Status apply(Options& options, std::string_view flag, std::string_view value) {
  if (const auto protocol = protocol_of(flag)) {
    VIC_ASSIGN_OR_RETURN(const SocketAddress address, parse_address(value));
    options.listens.push_back({*protocol, address});
    return absl::OkStatus();
  }
  if (flag == "--version") {
    options.name.version = value;
  } else if (flag == "--instance") {
    options.name.instance = value;
  } else {
    return base::invalid("unknown flag '{}'", flag);
  }
  return absl::OkStatus();
}

absl::StatusOr<Options> parse(const std::vector<std::string_view>& arguments) {
  Options options;
  for (std::size_t i = 0; i < arguments.size(); i += 2) {
    if (i + 1 == arguments.size()) return base::invalid("'{}': no value", arguments[i]);
    VIC_RETURN_IF_ERROR(apply(options, arguments[i], arguments[i + 1]));
  }
  if (options.listens.empty()) return base::invalid("nothing to listen on");
  return options;
}

absl::Status open_and_serve(const Options& options) {
  VIC_ASSIGN_OR_RETURN(HelloServer server, HelloServer::create(options.name));
  for (const Listen& listen : options.listens) {
    VIC_RETURN_IF_ERROR(server.listen(listen.protocol, listen.address));
  }
  std::puts("ready");
  std::fflush(stdout);
  server.serve();
}

}  // namespace

int helloworld(const std::vector<std::string_view>& arguments) {
  const auto options = parse(arguments);
  if (!options.ok()) {
    fmt::print(stderr, "vic_helloworld: {}\n{}", base::message(options.status()), kUsage);
    return 2;
  }
  const absl::Status status = open_and_serve(*options);
  fmt::print(stderr, "vic_helloworld: {}\n", base::message(status));
  return 1;
}

}  // namespace vicinity::testing

int main(int argc, char** argv) {
  return vicinity::testing::helloworld(std::vector<std::string_view>(argv + 1, argv + argc));
}
