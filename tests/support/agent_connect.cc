#include "support/agent_connect.h"

#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>

namespace vicinity::testing {
namespace {

constexpr std::string_view kHttpRequest =
    "GET /hello HTTP/1.1\r\nHost: hello\r\nConnection: close\r\n\r\n";
constexpr std::string_view kDatagram = "hello\n";
constexpr std::size_t kMostAnswer = 65536;

// Blocking calls with the kernel's own timeouts: two system calls fewer than with poll.
void configure(int fd, const AttemptSpec& spec) {
  const auto us = std::chrono::duration_cast<std::chrono::microseconds>(spec.timeout).count();
  const timeval limit{.tv_sec = us / 1'000'000, .tv_usec = us % 1'000'000};
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
  // Ends by RST: a load of thousands a second would fill every port with TIME_WAIT.
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  if (spec.protocol == Protocol::kTcp) {
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
  }
}

// The timeouts show as EINPROGRESS from connect and EAGAIN from the rest.
int timeout_aware(int error) { return error == EINPROGRESS || error == EAGAIN ? ETIMEDOUT : error; }

void fail(AttemptOutcome& outcome, Stage stage, int error) {
  outcome.stage = stage;
  outcome.error = timeout_aware(error);
}

// Appends what comes; false at the end of the stream or with `outcome` failed.
bool receive_more(AttemptOutcome& outcome) {
  std::array<char, 2048> buffer{};
  const ssize_t size = recv(outcome.socket.get(), buffer.data(), buffer.size(), 0);
  if (size < 0) fail(outcome, Stage::kReceive, errno);
  if (size <= 0 || outcome.answer.size() > kMostAnswer) return false;
  outcome.answer.append(buffer.data(), static_cast<std::size_t>(size));
  return true;
}

void keep_first_line(AttemptOutcome& outcome, std::size_t from) {
  const std::size_t end = std::min(outcome.answer.find('\n', from), outcome.answer.size());
  outcome.answer = outcome.answer.substr(from, end - from);
  if (outcome.error == 0 && outcome.answer.empty()) fail(outcome, Stage::kReceive, ENODATA);
}

void read_first_line(AttemptOutcome& outcome) {
  while (outcome.answer.find('\n') == std::string::npos && receive_more(outcome)) {
  }
  keep_first_line(outcome, 0);
}

void exchange_http(AttemptOutcome& outcome) {
  if (send(outcome.socket.get(), kHttpRequest.data(), kHttpRequest.size(), MSG_NOSIGNAL) < 0) {
    return fail(outcome, Stage::kSend, errno);
  }
  while (receive_more(outcome)) {
  }
  const std::size_t head = outcome.answer.find("\r\n\r\n");
  // Without a header it is not HTTP (the decoy, a banner): whoever it was said something.
  keep_first_line(outcome, head == std::string::npos ? 0 : head + 4);
}

void exchange_datagrams(AttemptOutcome& outcome) {
  if (send(outcome.socket.get(), kDatagram.data(), kDatagram.size(), MSG_NOSIGNAL) < 0) {
    return fail(outcome, Stage::kSend, errno);
  }
  receive_more(outcome);
  keep_first_line(outcome, 0);
}

void exchange_unconnected(AttemptOutcome& outcome, const AttemptSpec& spec) {
  const int fd = outcome.socket.get();
  if (sendto(fd, kDatagram.data(), kDatagram.size(), MSG_NOSIGNAL, spec.to.get(), spec.to.length) <
      0) {
    return fail(outcome, Stage::kSend, errno);
  }
  std::array<char, 2048> buffer{};
  const ssize_t size = recvfrom(fd, buffer.data(), buffer.size(), 0, outcome.answered_by.get(),
                                &outcome.answered_by.length);
  if (size < 0) return fail(outcome, Stage::kReceive, errno);
  outcome.answer.assign(buffer.data(), static_cast<std::size_t>(size));
  keep_first_line(outcome, 0);
}

void exchange(AttemptOutcome& outcome, const AttemptSpec& spec) {
  if (spec.talk == Talk::kNone) return;
  if (spec.protocol == Protocol::kUdp) return exchange_datagrams(outcome);
  if (spec.talk == Talk::kHttp) return exchange_http(outcome);
  read_first_line(outcome);
}

}  // namespace

AttemptOutcome attempt(const AttemptSpec& spec) {
  AttemptOutcome outcome;
  const int type = spec.protocol == Protocol::kTcp ? SOCK_STREAM : SOCK_DGRAM;
  outcome.socket.reset(socket(spec.to.storage.ss_family, type | SOCK_CLOEXEC, 0));
  if (!outcome.socket.valid()) {
    fail(outcome, Stage::kSocket, errno);
    return outcome;
  }
  configure(outcome.socket.get(), spec);
  if (spec.protocol == Protocol::kUdpUnconnected) {
    exchange_unconnected(outcome, spec);
    return outcome;
  }
  const std::int64_t before = monotonic_ns();
  const int result = connect(outcome.socket.get(), spec.to.get(), spec.to.length);
  const int error = result == 0 ? 0 : errno;
  outcome.connect_ns = monotonic_ns() - before;
  if (result != 0) {
    fail(outcome, Stage::kConnect, error);
    return outcome;
  }
  exchange(outcome, spec);
  return outcome;
}

ConnectResult attempt_with_names(const AttemptSpec& spec) {
  const AttemptOutcome outcome = attempt(spec);
  ConnectResult result{.error = outcome.error,
                       .stage = outcome.stage,
                       .answer = outcome.answer,
                       .peer = outcome.answered_by.text(),
                       .local = {},
                       .latency_ns = outcome.connect_ns};
  SocketAddress peer;
  if (getpeername(outcome.socket.get(), peer.get(), &peer.length) == 0) result.peer = peer.text();
  SocketAddress local;
  if (getsockname(outcome.socket.get(), local.get(), &local.length) == 0) {
    result.local = local.text();
  }
  return result;
}

}  // namespace vicinity::testing
