#include "support/agent_protocol.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>

#include "base/status.h"

namespace vicinity::testing {
namespace {

constexpr std::size_t kPacket = 65536;

absl::Status receive_packet(int fd, std::span<std::uint8_t> into, Duration timeout) {
  pollfd poll{.fd = fd, .events = POLLIN, .revents = 0};
  const auto ms = std::chrono::ceil<std::chrono::milliseconds>(timeout).count();
  const int ready = ::poll(&poll, 1, static_cast<int>(ms));
  if (ready < 0) return base::errno_status("pod agent: poll");
  if (ready == 0) return absl::DeadlineExceededError("pod agent: no answer");
  const ssize_t size = recv(fd, into.data(), into.size(), 0);
  if (size < 0) return base::errno_status("pod agent: receive");
  if (static_cast<std::size_t>(size) != into.size()) {
    return base::internal("pod agent: gone ({} of {} bytes)", size, into.size());
  }
  return absl::OkStatus();
}

absl::Status send_packet(int fd, std::span<const std::uint8_t> bytes) {
  if (send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL) >= 0) return absl::OkStatus();
  return base::errno_status("pod agent: send");
}

}  // namespace

void WireWriter::put_text(std::string_view text) {
  put(static_cast<std::uint32_t>(text.size()));
  put_bytes(text.data(), text.size());
}

void WireWriter::put_bytes(const void* data, std::size_t size) {
  const auto* from = static_cast<const std::uint8_t*>(data);
  bytes_.insert(bytes_.end(), from, from + size);
}

std::string WireReader::get_text() {
  const auto size = get<std::uint32_t>();
  if (size > rest_.size()) {
    failed_ = true;
    return "";
  }
  std::string text(size, '\0');
  take(text.data(), size);
  return text;
}

void WireReader::take(void* to, std::size_t size) {
  if (size > rest_.size()) {
    failed_ = true;
    return;
  }
  std::copy_n(rest_.begin(), size, static_cast<std::uint8_t*>(to));
  rest_ = rest_.subspan(size);
}

void write_result(WireWriter& writer, const ConnectResult& result) {
  writer.put(result.error);
  writer.put(result.stage);
  writer.put_text(result.answer);
  writer.put_text(result.peer);
  writer.put_text(result.local);
  writer.put(result.latency_ns);
}

ConnectResult read_result(WireReader& reader) {
  ConnectResult result;
  result.error = reader.get<int>();
  result.stage = reader.get<Stage>();
  result.answer = reader.get_text();
  result.peer = reader.get_text();
  result.local = reader.get_text();
  result.latency_ns = reader.get<std::int64_t>();
  return result;
}

void write_report(WireWriter& writer, const LoadReport& report) {
  writer.put(report.tally.attempts);
  writer.put(static_cast<std::uint64_t>(report.tally.by_error.size()));
  for (const auto& [error, count] : report.tally.by_error) {
    writer.put(error);
    writer.put(count);
  }
  writer.put(static_cast<std::uint64_t>(report.answers.size()));
  for (const std::string& answer : report.answers) {
    writer.put_text(answer);
    writer.put(report.tally.by_answer.at(answer));
  }
  writer.put(static_cast<std::uint64_t>(report.attempts.size()));
  writer.put_bytes(report.attempts.data(), report.attempts.size() * sizeof(Attempt));
}

LoadReport read_report(WireReader& reader) {
  LoadReport report;
  report.tally.attempts = reader.get<std::uint64_t>();
  const auto errors = reader.get<std::uint64_t>();
  for (std::uint64_t i = 0; i < errors && !reader.failed(); ++i) {
    const int error = reader.get<int>();
    report.tally.by_error[error] = reader.get<std::uint64_t>();
  }
  const auto answers = reader.get<std::uint64_t>();
  for (std::uint64_t i = 0; i < answers && !reader.failed(); ++i) {
    report.answers.push_back(reader.get_text());
    report.tally.by_answer[report.answers.back()] = reader.get<std::uint64_t>();
  }
  const auto attempts = reader.get<std::uint64_t>();
  for (std::uint64_t i = 0; i < attempts && !reader.failed(); ++i) {
    report.attempts.push_back(reader.get<Attempt>());
  }
  return report;
}

absl::Status send_answer(int fd, std::span<const std::uint8_t> bytes) {
  const std::uint64_t size = bytes.size();
  std::array<std::uint8_t, sizeof(size)> head{};
  std::memcpy(head.data(), &size, sizeof(size));
  VIC_RETURN_IF_ERROR(send_packet(fd, head));
  while (!bytes.empty()) {
    const std::size_t part = std::min(kPacket, bytes.size());
    VIC_RETURN_IF_ERROR(send_packet(fd, bytes.first(part)));
    bytes = bytes.subspan(part);
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<std::uint8_t>> receive_answer(int fd, Duration timeout) {
  std::array<std::uint8_t, sizeof(std::uint64_t)> head{};
  VIC_RETURN_IF_ERROR(receive_packet(fd, head, timeout));
  std::uint64_t size = 0;
  std::memcpy(&size, head.data(), sizeof(size));
  std::vector<std::uint8_t> bytes(size);
  for (std::size_t at = 0; at < size;) {
    const std::size_t part = std::min<std::size_t>(kPacket, size - at);
    VIC_RETURN_IF_ERROR(receive_packet(fd, std::span(bytes).subspan(at, part), timeout));
    at += part;
  }
  return bytes;
}

}  // namespace vicinity::testing
