// When a stream's first answer is complete. The protocol marks no end of an answer, and an answer
// may come in parts, so completeness is silence: a short one when nothing is missing, a long one
// (--resync-quiet) when names that must reappear have not. Pure; time is an argument.
#pragma once

#include <absl/time/time.h>

#include <cstdint>

namespace vicinity::feed::xds {

class SyncTracker {
 public:
  enum class Step : uint8_t { kNone, kRemoveMissing, kInSync };

  struct Quiet {
    absl::Duration sync;    // XdsOptions::sync_quiet
    absl::Duration resync;  // XdsOptions::resync_quiet
  };
  // In a feed that is never silent, missing names go when none of them came for so many quiets.
  static constexpr int kBusyFactor = 6;

  struct Response {
    bool has_resources = false;
    bool reappeared = false;     // some name that was held before the stream came
    bool must_reappear = false;  // there are such names that have not come yet
  };

  explicit SyncTracker(Quiet quiet) : quiet_(quiet) {}

  // A new attempt. `claimed_all`: the request named all that is held, so a server that answers
  // nothing has nothing new to say.
  void opened(bool claimed_all);
  void connected(absl::Time now);
  void response(Response response, absl::Time now);
  // The last response has been worked off: silence counts from here, however long that took.
  void settle(absl::Time now);
  // The missing names are gone.
  void removed() { must_reappear_ = false; }

  [[nodiscard]] Step due(absl::Time now);
  [[nodiscard]] absl::Time deadline() const;
  [[nodiscard]] bool in_sync() const { return in_sync_; }
  // There may be nothing to answer.
  [[nodiscard]] bool claimed_all() const { return claimed_all_; }
  [[nodiscard]] bool answered() const { return first_response_ != absl::InfiniteFuture(); }
  // InfiniteFuture: not yet.
  [[nodiscard]] absl::Time first_response() const { return first_response_; }

 private:
  Quiet quiet_;
  bool in_sync_ = false;
  bool claimed_all_ = false;
  bool must_reappear_ = false;
  bool settled_ = true;
  absl::Time connected_ = absl::InfiniteFuture();
  absl::Time first_response_ = absl::InfiniteFuture();
  absl::Time answer_since_ = absl::InfiniteFuture();  // first response, worked off
  absl::Time last_response_ = absl::InfiniteFuture();
  absl::Time last_resource_ = absl::InfiniteFuture();
  absl::Time last_reappeared_ = absl::InfiniteFuture();
};

}  // namespace vicinity::feed::xds
