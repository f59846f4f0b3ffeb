#include "feed/file/file_feed.h"

#include <absl/time/clock.h>
#include <poll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <array>
#include <utility>
#include <variant>

#include "base/status.h"
#include "feed/decode.h"

namespace vicinity::feed {
namespace {

// How much process() does in one call: under a millisecond of decoding.
constexpr size_t kBatch = 1000;
// How often a folder that is not there is looked for.
constexpr absl::Duration kLookAgain = absl::Seconds(1);

}  // namespace

FileFeed::FileFeed(std::filesystem::path path) : path_(std::move(path)) {
  status_.source = "file " + path_.native();
}

FileFeed::~FileFeed() {
  stop();
  delete posted_.exchange(nullptr);
}

absl::Status FileFeed::start(std::function<void()> wake) {
  wake_ = std::move(wake);
  VIC_ASSIGN_OR_RETURN(FileWatch watch, FileWatch::open(path_));
  stop_ = base::UniqueFd(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!stop_.valid()) return base::errno_status("file feed: eventfd");
  status_.state = FeedState::kSyncing;
  thread_ = std::thread([this, watch = std::move(watch)]() mutable { follow(std::move(watch)); });
  return absl::OkStatus();
}

void FileFeed::stop() {
  if (thread_.joinable()) {
    eventfd_write(stop_.get(), 1);
    thread_.join();
  }
  status_.state = FeedState::kStopped;
}

void FileFeed::follow(FileWatch watch) {
  MeshLoader loader(path_);
  bool watching = false;
  do {
    watching = watch.rearm();
    auto load = loader.load();
    if (!load) continue;
    delete posted_.exchange(new MeshLoad(*std::move(load)));
    wake_();
  } while (wait(watch, watching ? absl::InfiniteDuration() : kLookAgain));
}

bool FileFeed::wait(FileWatch& watch, absl::Duration limit) const {
  const int timeout_ms =
      limit == absl::InfiniteDuration() ? -1 : static_cast<int>(absl::ToInt64Milliseconds(limit));
  std::array<pollfd, 2> fds{pollfd{.fd = stop_.get(), .events = POLLIN, .revents = 0},
                            pollfd{.fd = watch.fd(), .events = POLLIN, .revents = 0}};
  for (;;) {
    const int ready = poll(fds.data(), fds.size(), timeout_ms);
    if ((fds[0].revents & POLLIN) != 0) return false;
    if (ready == 0 || watch.drain()) return true;
  }
}

// A reading that has begun is finished before a newer one, so that what it changed gets its
// message_end().
bool FileFeed::process(Sink& sink, absl::Time /*now*/) {
  if (!load_) {
    load_.reset(posted_.exchange(nullptr));
    if (load_) begin(sink);
  }
  if (load_) apply_some(sink);
  if (load_ && next_ == load_->mesh.resources.size()) finish(sink);
  return load_ != nullptr || posted_.load() != nullptr;
}

void FileFeed::begin(Sink& sink) {
  next_ = 0;
  ++status_.messages;
  status_.last_message_at = load_->received;
  for (ResourceError& error : load_->mesh.errors) {
    ++status_.nacks;
    sink.reject(std::move(error));
  }
  status_.last_error = std::string(base::message(load_->status));
  if (load_->status.ok()) {
    remove_vanished(sink);
  } else {
    load_.reset();
  }
}

void FileFeed::remove_vanished(Sink& sink) {
  if (load_->mesh.unnamed > 0) return;
  for (const std::string& name : load_->mesh.refused) load_->fingerprints.emplace(name, 0);
  model::Delta delta;
  for (const auto& [name, fingerprint] : loaded_) {
    if (!load_->fingerprints.contains(name)) delta.removed.push_back(name);
  }
  for (const std::string& name : delta.removed) loaded_.erase(name);
  status_.removals += delta.removed.size();
  if (delta.empty()) return;
  changed_ = true;
  sink.apply(std::move(delta));
}

void FileFeed::apply_some(Sink& sink) {
  model::Delta delta;
  const auto& resources = load_->mesh.resources;
  const size_t end = std::min(resources.size(), next_ + kBatch);
  for (; next_ < end; ++next_) {
    const NamedAddress& resource = resources[next_];
    const uint64_t fingerprint = load_->fingerprints.at(resource.name);
    const auto last = loaded_.find(resource.name);
    if (last != loaded_.end() && last->second == fingerprint) continue;
    DecodeResult decoded = decode_address(resource.address, resource.name, sink.symbols());
    if (!decoded.value) {
      ++status_.nacks;
      sink.reject({.resource = document_text(resource.document, resource.line),
                   .kind = std::string(resource_kind(resource.address)),
                   .message = to_text(decoded.errors)});
      continue;
    }
    add_to(delta, *std::move(decoded.value));
    loaded_.insert_or_assign(resource.name, fingerprint);
  }
  status_.resources += delta.size();
  if (delta.empty()) return;
  changed_ = true;
  sink.apply(std::move(delta));
}

void FileFeed::finish(Sink& sink) {
  // The first load is a message even when it says nothing: nothing is what there shall be.
  const bool first = status_.state == FeedState::kSyncing;
  if (std::exchange(changed_, false) || first) sink.message_end(load_->received);
  if (first) {
    status_.connected_at = load_->received;
    ++status_.connects;
  }
  status_.state = FeedState::kInSync;
  sink.in_sync();
  load_.reset();
}

}  // namespace vicinity::feed
