// Structured logging to stderr: one event per decision, logged where it is decided. Set up once by
// the app; events come from any thread. Libraries that log with plain spdlog calls end up in the
// same stream, in the same format.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/synchronization/mutex.h>
#include <absl/time/time.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <map>
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

// The last lines logged, oldest first, at most kKeptLines. Any thread.
inline constexpr size_t kKeptLines = 500;
[[nodiscard]] std::string recent_log();

struct LogField {
  std::string_view name;
  std::string value;
};

// `message` is constant text, what varies goes to the fields:
//   log_event(LogLevel::kWarn, "resource rejected", {{"resource", name}, {"error", why}});
// text: 2026-01-31T09:00:00.000Z warn resource rejected resource=a/b error="ports[0]: bad"
// json: {"time":"...","level":"warn","message":"resource rejected","resource":"a/b",...}
// Of one message no more than EventLimits lets through; the next one that is says how many were
// not, in the field "not_logged".
void log_event(LogLevel level, std::string_view message,
               std::initializer_list<LogField> fields = {});

// The text that log_event() hands to the sink in either format; for tests.
[[nodiscard]] std::string event_text(LogFormat format, std::string_view message,
                                     std::initializer_list<LogField> fields);

// Lets kBurst events of a kind through per interval, whatever the others do. Any thread.
class EventLimits {
 public:
  static constexpr uint64_t kBurst = 20;
  static constexpr absl::Duration kInterval = absl::Seconds(10);

  // nullopt: keep quiet. Otherwise the number of events of this kind kept quiet since the last one.
  [[nodiscard]] std::optional<uint64_t> allow(std::string_view message, absl::Time now)
      ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  struct Kind {
    absl::Time ends = absl::InfinitePast();
    uint64_t passed = 0;
    uint64_t suppressed = 0;
  };
  absl::Mutex mutex_;
  std::map<std::string, Kind, std::less<>> kinds_ ABSL_GUARDED_BY(mutex_);
};

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
