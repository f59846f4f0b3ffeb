#include "feed/xds/sync_tracker.h"

#include <algorithm>

namespace vicinity::feed::xds {

void SyncTracker::opened(bool claimed_all) {
  *this = SyncTracker(quiet_);
  claimed_all_ = claimed_all;
}

void SyncTracker::connected(absl::Time now) { connected_ = std::min(connected_, now); }

void SyncTracker::response(Response response, absl::Time now) {
  if (!answered()) first_response_ = answer_since_ = last_resource_ = last_reappeared_ = now;
  last_response_ = now;
  if (response.has_resources) last_resource_ = now;
  if (response.reappeared) last_reappeared_ = now;
  must_reappear_ = response.must_reappear;
  settled_ = false;
}

void SyncTracker::settle(absl::Time now) {
  if (settled_) return;
  settled_ = true;
  if (answer_since_ == last_response_) answer_since_ = now;
  if (last_resource_ == last_response_) last_resource_ = now;
  if (last_reappeared_ == last_response_) last_reappeared_ = now;
  last_response_ = now;
}

SyncTracker::Step SyncTracker::due(absl::Time now) {
  if (now < deadline()) return Step::kNone;
  if (must_reappear_) return Step::kRemoveMissing;
  in_sync_ = true;
  return Step::kInSync;
}

absl::Time SyncTracker::deadline() const {
  if (in_sync_) return absl::InfiniteFuture();
  if (!answered()) return claimed_all_ ? connected_ + quiet_.resync : absl::InfiniteFuture();
  if (must_reappear_) {
    return std::min(last_resource_ + quiet_.resync, last_reappeared_ + quiet_.resync * kBusyFactor);
  }
  return std::min(last_response_ + quiet_.sync, answer_since_ + quiet_.resync);
}

}  // namespace vicinity::feed::xds
