#include "policy_dir.h"

#include <absl/time/time.h>
#include <poll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>
#include <system_error>
#include <utility>

#include "base/status.h"

namespace vicinity {
namespace {

namespace fs = std::filesystem;

// How often a folder that is not there is looked for.
constexpr int kLookAgainMs = 1000;
constexpr std::array<std::string_view, 3> kExtensions{".yaml", ".yml", ".json"};

bool is_policy_file(const fs::path& path) {
  const std::string name = path.filename().native();
  return !name.starts_with('.') &&
         std::ranges::find(kExtensions, path.extension().native()) != kExtensions.end();
}

absl::StatusOr<std::vector<fs::path>> policy_files(const fs::path& folder) {
  std::error_code error;
  std::vector<fs::path> files;
  for (auto at = fs::directory_iterator(folder, error); !error && at != fs::directory_iterator();
       at.increment(error)) {
    std::error_code ignored;
    if (is_policy_file(at->path()) && !at->is_directory(ignored)) files.push_back(at->path());
  }
  if (error) return base::invalid("policy folder {}: {}", folder.native(), error.message());
  std::ranges::sort(files);
  return files;
}

}  // namespace

absl::StatusOr<std::vector<policy::book::FileText>> read_policy_files(const fs::path& folder) {
  VIC_ASSIGN_OR_RETURN(const auto paths, policy_files(folder));
  std::vector<policy::book::FileText> files;
  for (const fs::path& path : paths) {
    std::ifstream file(path, std::ios::binary);
    std::stringstream text;
    if (file && file.peek() != std::ifstream::traits_type::eof()) text << file.rdbuf();
    if (!file.is_open() || text.bad()) {
      return base::invalid("policy file {}: {}", path.native(), std::strerror(errno));
    }
    files.push_back({.file = path.filename().native(), .text = text.str()});
  }
  return files;
}

PolicyDir::~PolicyDir() {
  stop();
  delete posted_.exchange(nullptr);
}

absl::Status PolicyDir::start(std::function<void()> wake) {
  wake_ = std::move(wake);
  VIC_ASSIGN_OR_RETURN(auto watch, feed::FileWatch::open(folder_ / "*"));
  watch_ = std::make_unique<feed::FileWatch>(std::move(watch));
  stop_ = base::UniqueFd(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!stop_.valid()) return base::errno_status("policy folder: eventfd");
  const bool watching = rearm();
  read_now();
  thread_ = std::thread([this, watching] {
    if (wait(watching)) follow();
  });
  return absl::OkStatus();
}

void PolicyDir::stop() {
  if (!thread_.joinable()) return;
  eventfd_write(stop_.get(), 1);
  thread_.join();
}

std::optional<PolicyReading> PolicyDir::take() {
  const std::unique_ptr<PolicyReading> reading(posted_.exchange(nullptr));
  if (reading == nullptr) return std::nullopt;
  return std::move(*reading);
}

bool PolicyDir::rearm() {
  std::vector<fs::path> paths{folder_ / "*"};
  if (auto files = policy_files(folder_); files.ok()) {
    paths.insert(paths.end(), files->begin(), files->end());
  }
  return watch_->rearm(paths);
}

void PolicyDir::read_now() {
  const auto files = read_policy_files(folder_);
  std::string state = files.ok() ? "" : std::string(base::message(files.status()));
  if (files.ok()) {
    for (const auto& file : *files) state += file.file + '\0' + file.text + '\0';
  }
  if (state == last_) return;
  last_ = std::move(state);
  auto reading = std::make_unique<PolicyReading>();
  reading->status = files.status();
  if (files.ok()) reading->load = policy::book::load(*files);
  delete posted_.exchange(reading.release());
  wake_();
}

void PolicyDir::follow() {
  bool watching = false;
  do {
    watching = rearm();
    read_now();
  } while (wait(watching));
}

bool PolicyDir::wait(bool watching) {
  std::array<pollfd, 2> fds{pollfd{.fd = stop_.get(), .events = POLLIN, .revents = 0},
                            pollfd{.fd = watch_->fd(), .events = POLLIN, .revents = 0}};
  for (;;) {
    const int ready = poll(fds.data(), fds.size(), watching ? -1 : kLookAgainMs);
    if ((fds[0].revents & POLLIN) != 0) return false;
    if (ready == 0 || watch_->drain()) return true;
  }
}

}  // namespace vicinity
