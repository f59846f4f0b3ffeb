#include "ctl/trace_text.h"

#include <absl/time/time.h>
#include <fmt/format.h>

#include <array>
#include <string_view>

namespace vicinity::ctl {
namespace {

constexpr std::array<size_t, 7> kWidths{12, 18, 34, 46, 22, 11, 22};
using Cells = std::array<std::string, kWidths.size() + 1>;

// Two spaces at least between columns, whatever their content.
std::string line_of(const Cells& cells) {
  std::string line;
  for (size_t i = 0; i < cells.size(); ++i) {
    const std::string_view cell = cells[i].empty() ? std::string_view("-") : cells[i];
    line += i < kWidths.size() ? fmt::format("{:<{}}  ", cell, kWidths[i]) : std::string(cell);
  }
  return line + "\n";
}

std::string time_text(double seconds) {
  const absl::Time time = absl::UnixEpoch() + absl::Seconds(seconds);
  return absl::FormatTime("%H:%M:%E3S", time, absl::LocalTimeZone());
}

// The service with the port that was asked for; where there is none, the address.
std::string target_text(const admin::TraceEvent& event) {
  std::string text = event.asked();
  if (!event.service().empty()) text = event.service() + text.substr(text.rfind(':'));
  if (event.protocol() != "tcp") text += fmt::format("/{}", event.protocol());
  return text;
}

std::string duration_text(double seconds) {
  if (seconds < 1e-3) return fmt::format("{:.0f}us", seconds * 1e6);
  return seconds < 1 ? fmt::format("{:.1f}ms", seconds * 1e3) : fmt::format("{:.1f}s", seconds);
}

std::string outcome_text(const admin::TraceEvent& event) {
  std::string text;
  if (event.result() != "translated") {
    text = fmt::format("{}: {}", event.result(), event.reason());
  }
  if (event.outcome().empty()) return text.empty() ? event.call() : text;
  if (!text.empty()) text += ", ";
  text += event.outcome();
  return event.outcome() == "connecting"
             ? text
             : fmt::format("{} {}", text, duration_text(event.connect_seconds()));
}

std::string tier_text(const admin::TraceEvent& event) {
  if (event.tier() < 0) return "";
  return fmt::format("{} {}", event.tier(), event.near());
}

}  // namespace

std::string trace_heading() {
  return line_of(
      {"TIME", "PROCESS", "POD", "SERVICE", "ENDPOINT", "TIER", "OUTCOME", "WHY NOBODY NEARER"});
}

std::string trace_line(const admin::TraceEvent& event) {
  return line_of({time_text(event.time()), fmt::format("{}/{}", event.pid(), event.command()),
                  event.pod(), target_text(event), event.endpoint(), tier_text(event),
                  outcome_text(event), event.passed_over()});
}

}  // namespace vicinity::ctl
