#include "admin/control_queue.h"

#include <algorithm>
#include <utility>

namespace vicinity::admin {

ControlQueue::ControlQueue(std::function<void()> wake) : wake_(std::move(wake)) {}

ControlQueue::~ControlQueue() { close(); }

absl::Status ControlQueue::run(const Question& question, absl::Duration timeout) {
  Entry entry{.question = &question};
  {
    absl::MutexLock lock(&mutex_);
    if (closed_) return absl::UnavailableError("vicinityd is stopping");
    queue_.push_back(&entry);
  }
  wake_();
  absl::MutexLock lock(&mutex_);
  const auto settled = [&entry] {
    return entry.state == State::kDone || entry.state == State::kClosed;
  };
  const auto started = [&entry] { return entry.state != State::kWaiting; };
  if (!mutex_.AwaitWithTimeout(absl::Condition(&started), timeout)) {
    forget(&entry);
    return absl::DeadlineExceededError("vicinityd is busy: no answer in time");
  }
  mutex_.Await(absl::Condition(&settled));
  if (entry.state == State::kClosed) return absl::UnavailableError("vicinityd is stopping");
  return absl::OkStatus();
}

void ControlQueue::drain(ControlView& view) {
  for (size_t left = waiting(); left > 0; --left) {
    Entry* entry = take();
    if (entry == nullptr) return;
    (*entry->question)(view);
    absl::MutexLock lock(&mutex_);
    entry->state = State::kDone;
  }
}

void ControlQueue::close() {
  absl::MutexLock lock(&mutex_);
  closed_ = true;
  for (Entry* entry : queue_) entry->state = State::kClosed;
  queue_.clear();
}

void ControlQueue::forget(Entry* entry) {
  queue_.erase(std::find(queue_.begin(), queue_.end(), entry));
}

ControlQueue::Entry* ControlQueue::take() {
  absl::MutexLock lock(&mutex_);
  if (queue_.empty()) return nullptr;
  Entry* entry = queue_.front();
  queue_.pop_front();
  entry->state = State::kRunning;
  return entry;
}

size_t ControlQueue::waiting() const {
  absl::MutexLock lock(&mutex_);
  return queue_.size();
}

}  // namespace vicinity::admin
