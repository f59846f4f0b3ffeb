#include "unit/dns_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdlib>

namespace vicinity::testing {
namespace {

constexpr size_t kHeader = 12;
constexpr uint16_t kTypeA = 1;
constexpr uint16_t kTypeAaaa = 28;
constexpr uint16_t kClassIn = 1;
constexpr uint16_t kNoSuchName = 3;

std::string sixteen(unsigned value) {
  return {static_cast<char>(value >> 8), static_cast<char>(value & 0xff)};
}

uint16_t sixteen_at(const std::string& bytes, size_t at) {
  return static_cast<uint16_t>(static_cast<uint8_t>(bytes[at]) << 8 |
                               static_cast<uint8_t>(bytes[at + 1]));
}

// The name of the one question, and where it ends.
std::string name_in(const std::string& question, size_t& at) {
  std::string name;
  while (at < question.size() && question[at] != 0) {
    const auto length = static_cast<uint8_t>(question[at]);
    if (!name.empty()) name += ".";
    name += question.substr(at + 1, length);
    at += 1u + length;
  }
  ++at;
  return name;
}

std::string answer_record(const model::IpAddress& ip, uint32_t ttl) {
  const size_t length = model::family_bits(ip.family) / 8u;
  return sixteen(0xc000 | kHeader) +
         sixteen(ip.family == model::Family::kIpv4 ? kTypeA : kTypeAaaa) + sixteen(kClassIn) +
         sixteen(ttl >> 16) + sixteen(ttl & 0xffff) + sixteen(static_cast<unsigned>(length)) +
         std::string(reinterpret_cast<const char*>(ip.bytes.data()), length);
}

}  // namespace

DnsServer::DnsServer()
    : socket_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)), stop_(::eventfd(0, EFD_CLOEXEC)) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::bind(socket_.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) {
    std::abort();
  }
  thread_ = std::thread([this] { run(); });
}

DnsServer::~DnsServer() {
  const uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(stop_.get(), &one, sizeof(one));
  thread_.join();
}

std::string DnsServer::address() const {
  sockaddr_in address = {};
  socklen_t size = sizeof(address);
  ::getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&address), &size);
  return "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
}

void DnsServer::set(const std::string& hostname, Record record) {
  const absl::MutexLock lock(&mutex_);
  records_.insert_or_assign(hostname, std::move(record));
}

int DnsServer::asked(const std::string& hostname) const {
  const absl::MutexLock lock(&mutex_);
  const auto found = asked_.find(hostname);
  return found == asked_.end() ? 0 : found->second;
}

void DnsServer::run() {
  std::array<pollfd, 2> polled = {pollfd{.fd = socket_.get(), .events = POLLIN, .revents = 0},
                                  pollfd{.fd = stop_.get(), .events = POLLIN, .revents = 0}};
  while (::poll(polled.data(), polled.size(), -1) >= 0 && polled[1].revents == 0) {
    std::array<char, 512> bytes = {};
    sockaddr_in from = {};
    socklen_t size = sizeof(from);
    const ssize_t length = ::recvfrom(socket_.get(), bytes.data(), bytes.size(), 0,
                                      reinterpret_cast<sockaddr*>(&from), &size);
    if (length < static_cast<ssize_t>(kHeader)) continue;
    const std::string reply = reply_to(std::string(bytes.data(), static_cast<size_t>(length)));
    if (reply.empty()) continue;
    ::sendto(socket_.get(), reply.data(), reply.size(), 0, reinterpret_cast<sockaddr*>(&from),
             size);
  }
}

std::string DnsServer::reply_to(const std::string& question) {
  size_t end = kHeader;
  const std::string name = name_in(question, end);
  if (end + 4 > question.size()) return {};
  const uint16_t type = sixteen_at(question, end);
  const absl::MutexLock lock(&mutex_);
  if (type == kTypeA) ++asked_[name];
  const auto found = records_.find(name);
  const Record record = found == records_.end()
                            ? Record{.manner = Manner::kNoSuchName, .addresses = {}}
                            : found->second;
  if (record.manner == Manner::kSilent) return {};
  std::string answers;
  unsigned count = 0;
  for (const model::IpAddress& ip : record.addresses) {
    const bool ipv4 = ip.family == model::Family::kIpv4;
    if (record.manner != Manner::kAnswer || type != (ipv4 ? kTypeA : kTypeAaaa)) continue;
    answers += answer_record(ip, record.ttl);
    ++count;
  }
  const unsigned code = record.manner == Manner::kNoSuchName ? kNoSuchName : 0;
  // A response, recursion available, of one question and its answers.
  return question.substr(0, 2) + sixteen(0x8180 | code) + sixteen(1) + sixteen(count) + sixteen(0) +
         sixteen(0) + question.substr(kHeader, end + 4 - kHeader) + answers;
}

}  // namespace vicinity::testing
