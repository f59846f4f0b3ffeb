// What goes over the socket pair between PodAgent and the program vic_pod_agent, both of one build.
// A request is one packet; an answer is a packet with its size and then that many bytes in packets.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "support/connect.h"

namespace vicinity::testing {

// The agent's end is its descriptor 3.
inline constexpr int kAgentFd = 3;

enum class AgentCommand : std::uint32_t {
  kConnect,    // answer: result
  kStartLoad,  // answer: errno
  kProgress,   // answer: report without attempts
  kFinish,     // waits for the limit; answer: report without attempts
  kStop,       // answer: report
};

struct WireTarget {
  std::uint8_t address[16] = {};
  std::uint16_t family = 0;
  std::uint16_t port = 0;
  Protocol protocol = Protocol::kTcp;
  std::uint8_t reserved[3] = {};
};

struct AgentRequest {
  AgentCommand command = AgentCommand::kConnect;
  std::uint32_t workers = 1;
  std::int64_t timeout_ns = 0;
  double rate_per_second = 0;
  std::uint64_t limit = 0;
  Talk talk = Talk::kNone;
  std::uint8_t reserved[3] = {};
  std::uint32_t target_count = 0;
  std::array<WireTarget, kMaxTargets> targets{};

  // Bytes that count: without the unused targets.
  [[nodiscard]] std::size_t size() const {
    return sizeof(AgentRequest) - (kMaxTargets - target_count) * sizeof(WireTarget);
  }
};

// An answer's bytes, written and read in the same order.
class WireWriter {
 public:
  template <class T>
  void put(const T& value) {
    static_assert(std::is_trivially_copyable_v<T>);
    put_bytes(&value, sizeof(value));
  }
  void put_text(std::string_view text);
  void put_bytes(const void* data, std::size_t size);
  [[nodiscard]] const std::vector<std::uint8_t>& bytes() const { return bytes_; }

 private:
  std::vector<std::uint8_t> bytes_;
};

class WireReader {
 public:
  explicit WireReader(std::span<const std::uint8_t> bytes) : rest_(bytes) {}
  // Zero beyond the end: then failed().
  template <class T>
  T get() {
    static_assert(std::is_trivially_copyable_v<T>);
    T value{};
    take(&value, sizeof(value));
    return value;
  }
  [[nodiscard]] std::string get_text();
  [[nodiscard]] bool failed() const { return failed_; }

 private:
  void take(void* to, std::size_t size);
  std::span<const std::uint8_t> rest_;
  bool failed_ = false;
};

void write_result(WireWriter& writer, const ConnectResult& result);
[[nodiscard]] ConnectResult read_result(WireReader& reader);
void write_report(WireWriter& writer, const LoadReport& report);
[[nodiscard]] LoadReport read_report(WireReader& reader);

[[nodiscard]] absl::Status send_answer(int fd, std::span<const std::uint8_t> bytes);
// Fails when nothing comes for `timeout` or the agent is gone.
[[nodiscard]] absl::StatusOr<std::vector<std::uint8_t>> receive_answer(int fd, Duration timeout);

}  // namespace vicinity::testing
