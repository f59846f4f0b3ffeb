// vic_dns_server IP answer|silent: DNS on port 53 of this address, over UDP and TCP. Every name has
// one A (192.0.2.1) and one AAAA (2001:db8::1) record, and a TXT record that says which server this
// is, "dns IP"; "long.*" does not fit into a datagram. "silent" reads and never answers.
#include <arpa/inet.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "base/unique_fd.h"
#include "support/ip.h"

namespace vicinity::testing {
namespace {

constexpr std::uint16_t kDnsPort = 53;
constexpr size_t kHeader = 12;
constexpr size_t kLongStrings = 20;  // of 100 bytes: more than any datagram without EDNS
enum RecordType : std::uint16_t { kA = 1, kTxt = 16, kAaaa = 28 };

using Bytes = std::vector<std::uint8_t>;

void put16(Bytes& to, size_t value) {
  to.push_back(static_cast<std::uint8_t>(value >> 8));
  to.push_back(static_cast<std::uint8_t>(value));
}

struct Question {
  size_t end = 0;  // of the question in the message; 0: not understood
  std::uint16_t type = 0;
  bool is_long = false;
};

Question question_in(const Bytes& query) {
  size_t at = kHeader;
  const bool is_long = std::string_view(reinterpret_cast<const char*>(query.data()), query.size())
                           .substr(std::min(query.size(), at + 1))
                           .starts_with("long");
  while (at < query.size() && query[at] != 0) at += query[at] + size_t{1};
  if (at + 5 > query.size()) return {};
  return {.end = at + 5,
          .type = static_cast<std::uint16_t>(query[at + 1] << 8 | query[at + 2]),
          .is_long = is_long};
}

Bytes data_of(const Question& question, const std::string& name) {
  if (question.type == kA) return {192, 0, 2, 1};
  if (question.type == kAaaa) return {0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  if (question.type != kTxt) return {};
  Bytes data;
  const auto add = [&](const std::string& text) {
    data.push_back(static_cast<std::uint8_t>(text.size()));
    data.insert(data.end(), text.begin(), text.end());
  };
  add("dns " + name);
  for (size_t i = 0; question.is_long && i < kLongStrings; ++i) add(std::string(100, 'x'));
  return data;
}

enum class Carrier { kUdp, kTcp };

Bytes answer_to(const Bytes& query, const std::string& name, Carrier carrier) {
  const Question question = question_in(query);
  if (question.end == 0) return {};
  const Bytes data = data_of(question, name);
  const bool truncated = question.is_long && carrier == Carrier::kUdp;
  const bool answered = !data.empty() && !truncated;
  Bytes answer(query.begin(), query.begin() + static_cast<std::ptrdiff_t>(question.end));
  answer[2] = truncated ? 0x86 : 0x84;  // a response, authoritative
  answer[3] = 0x80;                     // recursion available
  answer[7] = answered ? 1 : 0;
  answer[5] = 1;
  for (const size_t count : {6, 8, 9, 10, 11}) answer[count] = 0;
  if (!answered) return answer;
  put16(answer, 0xc000 | kHeader);  // the name in the question
  put16(answer, question.type);
  put16(answer, 1);
  put16(answer, 0);
  put16(answer, 0);
  put16(answer, data.size());
  answer.insert(answer.end(), data.begin(), data.end());
  return answer;
}

class DnsServer {
 public:
  DnsServer(std::string name, bool silent) : name_(std::move(name)), silent_(silent) {}

  bool listen() {
    const auto ip = parse_ip(name_);
    if (!ip.ok()) return false;
    const SocketAddress at = socket_address(*ip, kDnsPort);
    udp_.reset(::socket(ip->family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    tcp_.reset(::socket(ip->family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const int on = 1;
    ::setsockopt(tcp_.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    return ::bind(udp_.get(), at.get(), at.length) == 0 &&
           ::bind(tcp_.get(), at.get(), at.length) == 0 && ::listen(tcp_.get(), 16) == 0;
  }

  [[noreturn]] void serve() {
    std::array<pollfd, 2> polls{{{.fd = udp_.get(), .events = POLLIN, .revents = 0},
                                 {.fd = tcp_.get(), .events = POLLIN, .revents = 0}}};
    while (true) {
      ::poll(polls.data(), polls.size(), -1);
      if (polls[0].revents != 0) answer_datagram();
      if (polls[1].revents != 0) answer_connection();
    }
  }

 private:
  void answer_datagram() const {
    SocketAddress from;
    Bytes query(2048);
    const ssize_t size =
        ::recvfrom(udp_.get(), query.data(), query.size(), 0, from.get(), &from.length);
    if (size < static_cast<ssize_t>(kHeader)) return;
    std::puts("query");
    if (silent_) return;
    query.resize(static_cast<size_t>(size));
    const Bytes answer = answer_to(query, name_, Carrier::kUdp);
    ::sendto(udp_.get(), answer.data(), answer.size(), MSG_NOSIGNAL, from.get(), from.length);
  }

  // Until the client has no more questions: glibc asks for A and AAAA on one connection.
  void answer_connection() const {
    const base::UniqueFd connection(::accept4(tcp_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    const timeval patience{.tv_sec = 5, .tv_usec = 0};
    ::setsockopt(connection.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    while (answer_one(connection.get())) {
    }
  }

  [[nodiscard]] bool answer_one(int connection) const {
    std::array<std::uint8_t, 2> prefix{};
    if (::recv(connection, prefix.data(), 2, MSG_WAITALL) != 2) return false;
    Bytes query(static_cast<size_t>(prefix[0] << 8 | prefix[1]));
    if (query.size() < kHeader || ::recv(connection, query.data(), query.size(), MSG_WAITALL) !=
                                      static_cast<ssize_t>(query.size())) {
      return false;
    }
    const Bytes answer = answer_to(query, name_, Carrier::kTcp);
    Bytes message;
    put16(message, answer.size());
    message.insert(message.end(), answer.begin(), answer.end());
    return ::send(connection, message.data(), message.size(), MSG_NOSIGNAL) > 0;
  }

  std::string name_;
  bool silent_;
  base::UniqueFd udp_;
  base::UniqueFd tcp_;
};

}  // namespace
}  // namespace vicinity::testing

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  vicinity::testing::DnsServer server(argv[1], std::string_view(argv[2]) == "silent");
  if (!server.listen()) {
    fmt::print(stderr, "vic_dns_server: cannot listen on {}\n", argv[1]);
    return 1;
  }
  std::puts("ready");
  server.serve();
}
