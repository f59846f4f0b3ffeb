// Structured logging to stderr: one event per decision, logged where it is decided. Set up once by
// the app; events come from any thread. Libraries that log with plain spdlog calls end up in the
// same stream, in the same format.
#pragma once

#include <absl/time/time.h>

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

namespace vicinity::telemetry {

enum class LogLevel : uint8_t { kDebug, kInfo, kWarn, kError };
enum class LogFormat : uint8_t { kText, kJson };

struct LogOptions {
  LogLevel level = LogLevel::kInfo;
  LogFormat format = LogFormat::kText;
};

void set_up_logging(const LogOptions& options);

struct LogField {
  std::string_view name;
  std::string value;
};

// `message` is constant text, what varies goes to the fields:
//   log_event(LogLevel::kWarn, "resource rejected", {{"resource", name}, {"error", why}});
// text: 2026-01-31T09:00:00.000Z warn resource rejected resource=a/b error="ports[0]: bad"
// json: {"time":"...","level":"warn","message":"resource rejected","resource":"a/b",...}
void log_event(LogLevel level, std::string_view message,
               std::initializer_list<LogField> fields = {});

// The text that log_event() hands to the sink in either format; for tests.
[[nodiscard]] std::string event_text(LogFormat format, std::string_view message,
                                     std::initializer_list<LogField> fields);

// Lets one event of a kind through per interval. One thread.
class RateLimit {
 public:
  explicit RateLimit(absl::Duration interval) : interval_(interval) {}
  // nullopt: keep quiet. Otherwise the number of events kept quiet since the last one.
  [[nodiscard]] std::optional<uint64_t> allow(absl::Time now);

 private:
  absl::Duration interval_;
  absl::Time next_ = absl::InfinitePast();
  uint64_t suppressed_ = 0;
};

}  // namespace vicinity::telemetry
