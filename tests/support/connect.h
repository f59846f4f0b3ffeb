// What a pod's agent does and reports: one connection attempt, or a load of them. Values shared by
// the library and the agent program.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "support/wait.h"

namespace vicinity::testing {

enum class Protocol : std::uint8_t { kTcp, kUdp, kUdpUnconnected };

enum class Talk : std::uint8_t {
  kNone,       // the connection alone
  kFirstLine,  // read one line (UDP: say something, take the answer)
  kHttp,       // GET /hello, the body's first line
};

// Where an attempt failed.
enum class Stage : std::uint8_t { kDone, kSocket, kConnect, kSend, kReceive };

struct ConnectSpec {
  std::string address;  // IPv4, IPv6 or v4-mapped ("::ffff:10.96.0.10": an AF_INET6 socket)
  std::uint16_t port = 0;
  Protocol protocol = Protocol::kTcp;
  Talk talk = Talk::kFirstLine;
  // For connect, send and receive each. A lost SYN or neighbour request is repeated after a second.
  Duration timeout = std::chrono::seconds(5);
};

struct ConnectResult {
  int error = 0;  // errno; 0: it went well. ENODATA: closed without an answer
  Stage stage = Stage::kDone;
  std::string answer;           // the line
  std::string peer;             // getpeername, or recvfrom's address: "10.96.0.10:5000"
  std::string local;            // getsockname
  std::int64_t latency_ns = 0;  // of connect() alone
};

struct Target {
  std::string address;
  std::uint16_t port = 0;
  Protocol protocol = Protocol::kTcp;
};

struct LoadSpec {
  std::vector<Target> targets;  // taken in turn; at most kMaxTargets
  double rate_per_second = 0;   // 0: as fast as it goes
  unsigned workers = 4;         // connections under way at once
  std::uint64_t limit = 0;      // attempts; 0: until stopped
  Talk talk = Talk::kFirstLine;
  Duration timeout = std::chrono::seconds(5);
};

inline constexpr std::size_t kMaxTargets = 1024;
inline constexpr std::uint32_t kNoAnswer = UINT32_MAX;

struct Attempt {
  std::int64_t started_ns = 0;       // CLOCK_MONOTONIC, before socket()
  std::int64_t ended_ns = 0;         // when the answer was there, or the error
  std::uint32_t answer = kNoAnswer;  // index into LoadReport::answers
  std::uint16_t target = 0;          // index into LoadSpec::targets
  std::int16_t error = 0;            // errno
  std::uint32_t connect_ns = 0;      // of connect() alone
  Stage stage = Stage::kDone;
  std::uint8_t reserved[3] = {};
};

struct Tally {
  std::uint64_t attempts = 0;
  std::map<std::string, std::uint64_t> by_answer;
  std::map<int, std::uint64_t> by_error;  // errno, without 0

  [[nodiscard]] std::uint64_t failed() const {
    std::uint64_t sum = 0;
    for (const auto& [error, count] : by_error) sum += count;
    return sum;
  }
};

struct LoadReport {
  Tally tally;
  std::vector<std::string> answers;
  std::vector<Attempt> attempts;  // in order of completion

  [[nodiscard]] std::string answer_of(const Attempt& attempt) const {
    return attempt.answer < answers.size() ? answers[attempt.answer] : std::string();
  }
  [[nodiscard]] std::vector<Attempt> failures() const {
    std::vector<Attempt> result;
    for (const Attempt& attempt : attempts) {
      if (attempt.error != 0) result.push_back(attempt);
    }
    return result;
  }
};

}  // namespace vicinity::testing
