#include "feed/xds/session.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"
#include "feed/xds/requests.h"

namespace vicinity::feed::xds {
namespace {

// From a request to the first sign of the server, before its silence is an error.
constexpr absl::Duration kPatience = absl::Seconds(30);

}  // namespace

Session::Session(const XdsOptions& options, Uniform uniform)
    : options_(options),
      backoff_(std::move(uniform)),
      applier_(versions_),
      sync_({.sync = options.sync_quiet, .resync = options.resync_quiet}) {
  status_.source = "xds " + options.address;
}

const std::string& Session::open(const model::Snapshot& snapshot) {
  if (first_request_.empty()) {
    const size_t limit = versions_refused_ ? 0 : options_.max_request_bytes;
    first_request_ = first_request(options_.node, snapshot, versions_, limit);
  }
  claimed_at_open_ = versions_.claimed();
  whole_ = Whole::kNo;
  sync_.opened(claimed_at_open_ > 0 && versions_.pending() == 0);
  patience_ = absl::InfiniteFuture();
  status_.state = FeedState::kConnecting;
  status_.next_attempt_at = absl::InfiniteFuture();
  return first_request_;
}

void Session::on_connected(absl::Time now) {
  if (status_.state != FeedState::kConnecting) return;
  sync_.connected(now);
  ++status_.connects;
  status_.connected_at = now;
  status_.state = FeedState::kSyncing;
}

std::string Session::on_response(const Payload& payload, Sink& sink, absl::Time now) {
  on_connected(now);
  ResponseHeader header = read_header(payload);
  std::string nonce = header.nonce;
  first_request_.clear();
  versions_refused_ = false;
  ++status_.messages;
  status_.last_message_at = now;
  status_.last_nonce = nonce;
  std::string error;
  if (!header.well_formed) {
    error = fmt::format("malformed after {} resources", header.resources);
  } else if (header.type_url != kAddressType) {
    error = fmt::format("type_url: is {}, not {}", header.type_url, kAddressType);
  }
  if (error.empty()) return answer(nonce, apply(payload, std::move(header), sink, now));
  sink.reject({.resource = "response " + nonce, .kind = "response", .message = error});
  return answer(nonce, "response: " + error);
}

std::string Session::apply(const Payload& payload, ResponseHeader header, Sink& sink,
                           absl::Time now) {
  const size_t resources = header.resources;
  status_.resources += resources;
  status_.removals += header.removed.size();
  Applied applied = applier_.apply(payload, std::move(header), sink);
  note_unchanged(applied.unchanged);
  sync_.response({.has_resources = resources > 0,
                  .reappeared = applied.reappeared > 0,
                  .must_reappear = must_reappear()},
                 now);
  return std::move(applied.errors);
}

std::string Session::answer(const std::string& nonce, std::string_view error) {
  if (error.empty()) return nonce.empty() ? std::string() : ack_request(nonce);
  ++status_.nacks;
  return nonce.empty() ? std::string() : nack_request(nonce, error);
}

// A server that honours the versions does not send a resource again in its first answer; later
// on it may, when something the resource belongs to has changed.
void Session::note_unchanged(size_t unchanged) {
  if (unchanged == 0 || sync_.in_sync() || whole_ == Whole::kProven) return;
  whole_ = sync_.answered() ? Whole::kSuspected : Whole::kProven;
}

bool Session::must_reappear() const {
  return versions_.pending() > 0 || (whole_ != Whole::kNo && versions_.claimed() > 0);
}

bool Session::claimed_came_again() const { return versions_.claimed() * 2 <= claimed_at_open_; }

void Session::remove_missing(Sink& sink, absl::Time now) {
  using Mark = VersionStore::Mark;
  const bool whole =
      whole_ == Whole::kProven || (whole_ == Whole::kSuspected && claimed_came_again());
  std::vector<std::string> missing;
  for_each_name(sink.snapshot(), [&](std::string_view name) {
    const Mark mark = versions_.mark_of(name);
    if (mark == Mark::kPending || (whole && mark == Mark::kClaimed)) missing.emplace_back(name);
  });
  for (size_t at = 0; at < missing.size(); at += ResponseApplier::kMaxDelta) {
    const size_t end = std::min(missing.size(), at + ResponseApplier::kMaxDelta);
    model::Delta delta;
    for (size_t i = at; i < end; ++i) {
      versions_.erase(missing[i]);
      delta.removed.push_back(std::move(missing[i]));
    }
    sink.apply(std::move(delta));
  }
  status_.removals += missing.size();
  sync_.removed();
  if (!missing.empty()) sink.message_end(now);
}

void Session::on_tick(Sink& sink, absl::Time now) {
  note_silence(now);
  sync_.settle(now);
  SyncTracker::Step step = sync_.due(now);
  if (step == SyncTracker::Step::kRemoveMissing) {
    remove_missing(sink, now);
    step = sync_.due(now);
  }
  if (step != SyncTracker::Step::kInSync) return;
  status_.state = FeedState::kInSync;
  status_.last_error.clear();
  sink.in_sync();
}

void Session::on_close(const StreamEnd& end, absl::Time now) {
  const bool answered = sync_.answered();
  if (status_.state != FeedState::kConnecting) ++status_.disconnects;
  if (end.oversized) ++status_.oversized;
  // An answer over our own limit would only grow without the versions.
  if (!answered && !end.oversized && absl::IsResourceExhausted(end.status)) {
    versions_refused_ = true;
    first_request_.clear();
  }
  const absl::Duration lived = answered ? now - sync_.first_response() : absl::ZeroDuration();
  note_end(end, lived);
  sync_.opened(false);
  status_.state = FeedState::kBackoff;
  status_.next_attempt_at = now + backoff_.after(lived);
}

// The regular end of a stream that worked is no error.
void Session::note_end(const StreamEnd& end, absl::Duration lived) {
  const std::string_view message = base::message(end.status);
  if (end.oversized) {
    status_.last_error = fmt::format("a response is over the receive limit of {} bytes: {}",
                                     options_.max_receive_bytes, message);
  } else if (!message.empty()) {
    status_.last_error = message;
  } else if (lived < Backoff::kLongLived) {
    status_.last_error =
        fmt::format("the server ended the stream: {}", absl::StatusCodeToString(end.status.code()));
  }
}

// Of a server that hangs while the stream is idle nothing can be told.
void Session::note_silence(absl::Time now) {
  const bool waiting =
      status_.state == FeedState::kConnecting ||
      (status_.state == FeedState::kSyncing && !sync_.answered() && !sync_.claimed_all());
  if (!waiting) {
    patience_ = absl::InfiniteFuture();
  } else if (patience_ == absl::InfiniteFuture()) {
    patience_ = now + kPatience;
  } else if (now >= patience_) {
    status_.last_error = fmt::format("no answer for {}", absl::FormatDuration(kPatience));
  }
}

void Session::stop() { status_.state = FeedState::kStopped; }

bool Session::connect_due(absl::Time now) const {
  const bool idle = status_.state == FeedState::kConnecting || status_.state == FeedState::kBackoff;
  return idle && now >= status_.next_attempt_at;
}

absl::Time Session::next_deadline() const {
  if (status_.state == FeedState::kStopped) return absl::InfiniteFuture();
  return std::min(sync_.deadline(), status_.next_attempt_at);
}

}  // namespace vicinity::feed::xds
