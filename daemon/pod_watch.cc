#include "pod_watch.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/status.h"
#include "base/unique_fd.h"
#include "netns_files.h"
#include "telemetry/log.h"

namespace vicinity {
namespace {

// Listening sockets stand at the beginning of tcp and tcp6: the rest, which may be long, is not
// read.
constexpr size_t kListenersRead = size_t{64} << 10;
constexpr size_t kAddressesRead = size_t{256} << 10;

// At most `most` bytes; empty when the file is gone with its process.
std::string read_beginning(const std::string& path, size_t most) {
  const base::UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::string text;
  std::array<char, 4096> part = {};
  while (file.valid() && text.size() < most) {
    const ssize_t size = ::read(file.get(), part.data(), part.size());
    if (size <= 0) break;
    text.append(part.data(), static_cast<size_t>(size));
  }
  return text;
}

const NetnsView* find_view(const NetnsViews& views, uint64_t cookie) {
  const auto found = std::ranges::lower_bound(views, cookie, {}, &NetnsView::cookie);
  return found == views.end() || found->cookie != cookie ? nullptr : &*found;
}

// Of process 1; where the kernel does not show it, of kthreadd, which never leaves the first
// namespace. 0: there is none.
uint64_t host_of(const std::map<uint64_t, uint32_t>& processes) {
  const auto first =
      std::ranges::min_element(processes, {}, [](const auto& entry) { return entry.second; });
  return first == processes.end() ? 0 : first->first;
}

NetnsView look_at_one(uint64_t cookie, const std::string& net, const NetnsView* before) {
  NetnsView view = {.cookie = cookie, .is_host = false, .addresses = {}, .captured = false};
  if (before != nullptr && !before->addresses.empty()) {
    view.addresses = before->addresses;
  } else {
    view.addresses = own_addresses(read_beginning(net + "fib_trie", kAddressesRead),
                                   read_beginning(net + "if_inet6", kAddressesRead));
  }
  view.captured = has_capturing_listener(read_beginning(net + "tcp", kListenersRead)) ||
                  has_capturing_listener(read_beginning(net + "tcp6", kListenersRead));
  return view;
}

}  // namespace

NetnsViews look_at(const std::map<uint64_t, uint32_t>& processes, const std::string& proc,
                   const NetnsViews& before) {
  const uint64_t host = host_of(processes);
  NetnsViews views;
  views.reserve(processes.size());
  for (const auto& [cookie, process] : processes) {
    if (cookie == host) {
      views.push_back({.cookie = cookie, .is_host = true, .addresses = {}, .captured = false});
      continue;
    }
    const std::string net = fmt::format("{}/{}/net/", proc, process);
    views.push_back(look_at_one(cookie, net, find_view(before, cookie)));
  }
  return views;
}

PodWatch::PodWatch(dataplane::Tasks tasks, std::function<void()> wake)
    : tasks_(std::move(tasks)),
      wake_(std::move(wake)),
      views_(std::make_shared<const NetnsViews>()) {
  Processes first = processes();
  host_cookie_ = host_of(first);
  thread_ = std::thread([this, first = std::move(first)]() mutable { run(std::move(first)); });
}

PodWatch::~PodWatch() {
  {
    const absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  thread_.join();
}

std::shared_ptr<const NetnsViews> PodWatch::views() const {
  const absl::MutexLock lock(&mutex_);
  mutex_.Await(absl::Condition(&looked_));
  return views_;
}

void PodWatch::run(Processes processes) {
  while (true) {
    if (look(processes)) wake_();
    {
      const absl::MutexLock lock(&mutex_);
      if (mutex_.AwaitWithTimeout(absl::Condition(&stopping_), kInterval)) return;
    }
    processes = this->processes();  // not while whoever asks for views() waits
  }
}

PodWatch::Processes PodWatch::processes() const {
  auto found = tasks_.by_namespace();
  if (found.ok()) return *std::move(found);
  telemetry::log_event(telemetry::LogLevel::kWarn, "network namespaces not looked at",
                       {{"error", std::string(base::message(found.status()))}});
  return {};
}

bool PodWatch::look(const Processes& processes) {
  const std::shared_ptr<const NetnsViews> before = [this] {
    const absl::MutexLock lock(&mutex_);
    return views_;
  }();
  auto now = processes.empty()
                 ? before
                 : std::make_shared<const NetnsViews>(look_at(processes, "/proc", *before));
  const absl::MutexLock lock(&mutex_);
  looked_ = true;
  if (*now == *before) return false;
  views_ = std::move(now);
  return true;
}

}  // namespace vicinity
