#include "telemetry/log.h"

#include <fmt/format.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/dup_filter_sink.h>
#include <spdlog/sinks/ringbuffer_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <utility>

#include "base/json.h"
#include "base/steady_time.h"

namespace vicinity::telemetry {
namespace {

// Events of this logger carry members of a JSON object when the format is JSON.
constexpr const char* kEventLogger = "event";

std::atomic<LogFormat> format_of_events{LogFormat::kText};

// One for the process: whoever sets logging up again keeps what was said before.
const std::shared_ptr<spdlog::sinks::ringbuffer_sink_mt>& kept_sink() {
  static const auto sink = std::make_shared<spdlog::sinks::ringbuffer_sink_mt>(kKeptLines);
  return sink;
}

spdlog::level::level_enum spdlog_level(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarn:
      return spdlog::level::warn;
    case LogLevel::kError:
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

std::string_view level_name(spdlog::level::level_enum level) {
  if (level >= spdlog::level::err) return "error";
  if (level == spdlog::level::warn) return "warn";
  return level == spdlog::level::info ? "info" : "debug";
}

std::string utc_text(spdlog::log_clock::time_point time) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", absl::FromChrono(time), absl::UTCTimeZone());
}

class EventFormatter : public spdlog::formatter {
 public:
  explicit EventFormatter(LogFormat format) : format_(format) {}

  void format(const spdlog::details::log_msg& message, spdlog::memory_buf_t& into) override {
    const std::string_view payload(message.payload.data(), message.payload.size());
    const std::string time = utc_text(message.time);
    const std::string_view level = level_name(message.level);
    auto out = fmt::appender(into);
    if (format_ == LogFormat::kText) {
      fmt::format_to(out, "{} {} {}\n", time, level, payload);
    } else if (std::string_view(message.logger_name.data(), message.logger_name.size()) ==
               kEventLogger) {
      fmt::format_to(out,
                     R"({{"time":"{}","level":"{}",{}}})"
                     "\n",
                     time, level, payload);
    } else {
      fmt::format_to(out,
                     R"({{"time":"{}","level":"{}","message":{}}})"
                     "\n",
                     time, level, base::json_quote(payload));
    }
  }
  [[nodiscard]] std::unique_ptr<spdlog::formatter> clone() const override {
    return std::make_unique<EventFormatter>(format_);
  }

 private:
  LogFormat format_;
};

// As it is when it is one word, otherwise as a JSON string.
std::string text_value(std::string_view value) {
  const bool plain =
      !value.empty() && value.find_first_of(" \t\r\n\"=\\") == std::string_view::npos;
  return plain ? std::string(value) : base::json_quote(value);
}

std::string field_text(LogFormat format, const LogField& field) {
  return format == LogFormat::kJson
             ? fmt::format(",{}:{}", base::json_quote(field.name), base::json_quote(field.value))
             : fmt::format(" {}={}", field.name, text_value(field.value));
}

EventLimits& limits() {
  static EventLimits limits;
  return limits;
}

}  // namespace

void set_up_logging(const LogOptions& options) {
  auto sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
  sink->set_formatter(std::make_unique<EventFormatter>(options.format));
  kept_sink()->set_formatter(std::make_unique<EventFormatter>(options.format));
  format_of_events = options.format;
  spdlog::drop(kEventLogger);
  // What libraries say has no kinds: the same line once in a while.
  const auto once = std::make_shared<spdlog::sinks::dup_filter_sink_mt>(
      std::chrono::seconds(absl::ToInt64Seconds(EventLimits::kInterval)));
  once->add_sink(sink);
  once->add_sink(kept_sink());
  spdlog::set_default_logger(std::make_shared<spdlog::logger>("", once));
  const spdlog::sinks_init_list sinks{sink, kept_sink()};
  spdlog::register_logger(std::make_shared<spdlog::logger>(kEventLogger, sinks));
  spdlog::set_level(spdlog_level(options.level));
  spdlog::flush_on(spdlog::level::debug);
}

std::string recent_log() {
  std::string text;
  for (const std::string& line : kept_sink()->last_formatted()) text += line;
  return text;
}

std::string event_text(LogFormat format, std::string_view message,
                       std::initializer_list<LogField> fields) {
  const bool json = format == LogFormat::kJson;
  std::string text =
      json ? fmt::format("\"message\":{}", base::json_quote(message)) : std::string(message);
  for (const LogField& field : fields) text += field_text(format, field);
  return text;
}

void log_event(LogLevel level, std::string_view message, std::initializer_list<LogField> fields) {
  auto logger = spdlog::get(kEventLogger);
  if (logger == nullptr) logger = spdlog::default_logger();
  if (!logger->should_log(spdlog_level(level))) return;
  const auto quiet = limits().allow(message, base::steady_now());
  if (!quiet) return;
  std::string text = event_text(format_of_events, message, fields);
  if (*quiet > 0) text += field_text(format_of_events, {"not_logged", std::to_string(*quiet)});
  logger->log(spdlog_level(level), "{}", text);
}

std::optional<uint64_t> EventLimits::allow(std::string_view message, absl::Time now) {
  absl::MutexLock lock(&mutex_);
  auto found = kinds_.find(message);
  if (found == kinds_.end()) found = kinds_.emplace(message, Kind{}).first;
  Kind& kind = found->second;
  if (now >= kind.ends) {
    kind.ends = now + kInterval;
    kind.passed = 0;
  }
  if (kind.passed == kBurst) {
    ++kind.suppressed;
    return std::nullopt;
  }
  ++kind.passed;
  return std::exchange(kind.suppressed, 0);
}

std::optional<uint64_t> RateLimit::allow(absl::Time now) {
  if (now < next_) {
    ++suppressed_;
    return std::nullopt;
  }
  next_ = now + interval_;
  return std::exchange(suppressed_, 0);
}

}  // namespace vicinity::telemetry
