#include "feed/xds/resource_parser.h"

#include <absl/base/thread_annotations.h>
#include <absl/synchronization/mutex.h>

#include <algorithm>
#include <array>
#include <future>
#include <utility>

#include "base/beside.h"
#include "feed/xds/options.h"

namespace vicinity::feed::xds {
namespace {

using google::protobuf::Arena;
using istio::workload::Address;

constexpr size_t kAtATime = 256;  // resources
constexpr size_t kBatchBytes = size_t{384} << 10;

google::protobuf::ArenaOptions arena_options(std::vector<char>& block) {
  google::protobuf::ArenaOptions options;
  options.initial_block = block.data();
  options.initial_block_size = block.size();
  return options;
}

// Batches on their way from the thread that fills them to the one that takes them.
class Pipe {
 public:
  // The filling thread: an empty batch, once there is one.
  ParsedBatch& begin() {
    const absl::MutexLock lock(&mutex_);
    mutex_.Await(absl::Condition(this, &Pipe::has_room));
    ParsedBatch& batch = batches_[filled_ % batches_.size()];
    batch.clear();
    return batch;
  }
  // It is full, or the last.
  void pass() {
    const absl::MutexLock lock(&mutex_);
    ++filled_;
  }
  void end() {
    const absl::MutexLock lock(&mutex_);
    over_ = true;
  }

  // The taking thread: the next batch, valid until the next call; nullptr: there is none to come.
  const ParsedBatch* next() {
    const absl::MutexLock lock(&mutex_);
    if (std::exchange(taking_, true)) ++emptied_;
    mutex_.Await(absl::Condition(this, &Pipe::has_batch_or_end));
    return filled_ == emptied_ ? nullptr : &batches_[emptied_ % batches_.size()];
  }

 private:
  [[nodiscard]] bool has_room() const ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    return filled_ - emptied_ < batches_.size();
  }
  [[nodiscard]] bool has_batch_or_end() const ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    return filled_ > emptied_ || over_;
  }

  absl::Mutex mutex_;
  size_t filled_ ABSL_GUARDED_BY(mutex_) = 0;
  size_t emptied_ ABSL_GUARDED_BY(mutex_) = 0;
  bool taking_ ABSL_GUARDED_BY(mutex_) = false;
  bool over_ ABSL_GUARDED_BY(mutex_) = false;
  // Each is one thread's at a time: the counts say whose.
  std::array<ParsedBatch, 4> batches_{ParsedBatch(kBatchBytes), ParsedBatch(kBatchBytes),
                                      ParsedBatch(kBatchBytes), ParsedBatch(kBatchBytes)};
};

void fill(const Payload& payload, Pipe& pipe) {
  ParsedBatch* batch = &pipe.begin();
  for_each_resource(payload, [&](std::string_view bytes, Lasts lasts) {
    batch->add(bytes, lasts);
    if (batch->resources().size() < kAtATime) return;
    pipe.pass();
    batch = &pipe.begin();
  });
  pipe.pass();
  pipe.end();
}

}  // namespace

ParsedBatch::ParsedBatch(size_t bytes) : block_(bytes), arena_(arena_options(block_)) {}

void ParsedBatch::add(std::string_view bytes, Lasts lasts) {
  if (lasts == Lasts::kForTheCall) {
    char* copy = Arena::CreateArray<char>(&arena_, bytes.size());
    std::ranges::copy(bytes, copy);
    bytes = {copy, bytes.size()};
  }
  ParsedResource& resource = resources_.emplace_back();
  resource.view = read_resource(bytes);
  if (!resource.view || resource.view->type_url != kAddressType) return;
  auto* address = Arena::CreateMessage<Address>(&arena_);
  const std::string_view value = resource.view->value;
  if (address->ParseFromArray(value.data(), static_cast<int>(value.size()))) {
    resource.address = address;
  }
}

void ParsedBatch::clear() {
  resources_.clear();
  arena_.Reset();
}

void ResourceParser::for_each(const Payload& payload, Take take) {
  if (payload.size < kWorthAThread) return one_by_one(payload, take);
  Pipe pipe;
  const std::future<void> other = base::begin_beside([&] { fill(payload, pipe); });
  if (!other.valid()) return one_by_one(payload, take);
  while (const ParsedBatch* batch = pipe.next()) {
    for (const ParsedResource& resource : batch->resources()) take(resource);
  }
}

void ResourceParser::one_by_one(const Payload& payload, Take take) {
  for_each_resource(payload, [&](std::string_view bytes, Lasts lasts) {
    one_.clear();
    one_.add(bytes, lasts);
    take(one_.resources().front());
  });
}

}  // namespace vicinity::feed::xds
