// The rules of a delta stream, without I/O and without a clock: what to ask, what to answer, what
// to believe, when to come back. Time and randomness are arguments. Control thread.
#pragma once

#include <absl/time/time.h>

#include <cstddef>
#include <string>
#include <string_view>

#include "feed/feed.h"
#include "feed/xds/backoff.h"
#include "feed/xds/options.h"
#include "feed/xds/payload.h"
#include "feed/xds/response_applier.h"
#include "feed/xds/sync_tracker.h"
#include "feed/xds/transport.h"
#include "feed/xds/version_store.h"
#include "model/snapshot.h"

namespace vicinity::feed::xds {

class Session {
 public:
  Session(const XdsOptions& options, Uniform uniform);

  // Starts an attempt: the stream's first request. Valid until the next call.
  const std::string& open(const model::Snapshot& snapshot);
  // The first sign of the server; a response is one, too, and may overtake this.
  void on_connected(absl::Time now);
  // Applies one response, all but message_end(), and returns the ACK or NACK to send. Empty: the
  // response has no nonce, so there is no way to answer it.
  [[nodiscard]] std::string on_response(const Payload& payload, Sink& sink, absl::Time now);
  // The stream is over, or the attempt failed.
  void on_close(const StreamEnd& end, absl::Time now);
  // Does what is due by time alone: removes what did not reappear, declares the feed in sync, says
  // that a server does not answer.
  // To be called once after each response, too: silence counts from then.
  void on_tick(Sink& sink, absl::Time now);
  void stop();

  // True when an attempt should start.
  [[nodiscard]] bool connect_due(absl::Time now) const;
  [[nodiscard]] absl::Time next_deadline() const;
  [[nodiscard]] const FeedStatus& status() const { return status_; }

 private:
  // Whether the server's answer ignores the versions that the first request claimed.
  enum class Whole : uint8_t {
    kNo,
    kSuspected,  // a later response repeats a claimed version; a push may do that too
    kProven,     // the first response does
  };

  // Returns the errors of bad resources, empty if there are none.
  std::string apply(const Payload& payload, ResponseHeader header, Sink& sink, absl::Time now);
  [[nodiscard]] std::string answer(const std::string& nonce, std::string_view error);
  void note_unchanged(size_t unchanged);
  [[nodiscard]] bool must_reappear() const;
  // At least half of what was claimed came again.
  [[nodiscard]] bool claimed_came_again() const;
  void remove_missing(Sink& sink, absl::Time now);
  void note_end(const StreamEnd& end, absl::Duration lived);
  void note_silence(absl::Time now);

  XdsOptions options_;
  Backoff backoff_;
  VersionStore versions_;
  ResponseApplier applier_;
  SyncTracker sync_;
  FeedStatus status_;
  std::string first_request_;      // kept while attempts fail and nothing changes
  bool versions_refused_ = false;  // the last request was too much for the server
  Whole whole_ = Whole::kNo;
  size_t claimed_at_open_ = 0;
  absl::Time patience_ = absl::InfiniteFuture();  // for the first answer; infinite: not waiting
};

}  // namespace vicinity::feed::xds
