#include "devcp/console.h"

#include <fmt/format.h>

#include <charconv>

namespace vicinity::devcp {
namespace {

using base::Json;

constexpr int kDefaultWaitSeconds = 10;

Json error(std::string_view message) { return Json::object({{"error", Json::string(message)}}); }

Json done() { return Json::object({{"ok", Json::boolean(true)}}); }

// `otherwise` when there is no text; -1 when it is not a number.
int number_or(std::string_view text, int otherwise) {
  if (text.empty()) return otherwise;
  int value = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  return failure == std::errc() && end == text.data() + text.size() ? value : -1;
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\n";
  const size_t first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

}  // namespace

std::string Console::execute(std::string_view line) {
  line = trimmed(line);
  const std::string_view command = line.substr(0, line.find(' '));
  return run(command, trimmed(line.substr(command.size()))).dump();
}

Json Console::run(std::string_view command, std::string_view rest) {
  if (command == "step") return step();
  if (command == "steps") return list_steps();
  if (command == "status") return plane_.status().to_json();
  if (command == "wait-ack") return wait_ack(rest);
  if (command == "deny") return deny(rest);
  if (command == "parts") return set_parts(rest);
  if (command == "admit") {
    plane_.set_faults({});
    return done();
  }
  if (command == "close") {
    plane_.close_streams(std::string(rest));
    return done();
  }
  if (command == "quit") {
    quit_ = true;
    return done();
  }
  return error(fmt::format("unknown command \"{}\"", command));
}

Json Console::step() {
  if (next_ == steps_.size()) return error("no step left");
  const Step& step = steps_[next_++];
  plane_.apply(step);
  return Json::object(
      {{"step", Json::string(step.name)}, {"left", Json::number(steps_.size() - next_)}});
}

Json Console::list_steps() const {
  Json names = Json::array();
  for (const Step& step : steps_) names.push(Json::string(step.name));
  return Json::object({{"steps", std::move(names)}, {"next", Json::number(next_)}});
}

Json Console::wait_ack(std::string_view seconds) const {
  const int limit = number_or(seconds, kDefaultWaitSeconds);
  if (limit < 0) return error("wait-ack takes a number of seconds");
  return Json::object({{"acked", Json::boolean(plane_.wait_acked(absl::Seconds(limit)))}});
}

Json Console::deny(std::string_view message) {
  if (message.empty()) return error("deny takes a message");
  plane_.set_faults({.deny = std::string(message)});
  plane_.close_streams(std::string(message));
  return done();
}

Json Console::set_parts(std::string_view count) {
  const int parts = number_or(count, -1);
  if (parts < 1) return error("parts takes a number from 1");
  plane_.set_parts(static_cast<size_t>(parts));
  return done();
}

}  // namespace vicinity::devcp
