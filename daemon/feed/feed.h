// A source of desired state: the xDS stream or a mesh file. I/O happens on the feed's own thread;
// process() does the decoding on the control thread, so that the model has one writer.
#pragma once

#include <absl/status/status.h>
#include <absl/time/time.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "model/delta.h"
#include "model/snapshot.h"
#include "model/symbols.h"

namespace vicinity::feed {

// A resource that was refused; its last good version stays.
struct ResourceError {
  std::string resource;  // name, or "document 3" of a mesh file
  std::string kind;      // "workload", "service", "address", "response"
  std::string message;   // every error with its field path, "; "-separated
  bool operator==(const ResourceError&) const = default;
};

// Where a feed delivers; implemented by the engine. Control thread.
class Sink {
 public:
  virtual ~Sink() = default;
  virtual model::Symbols& symbols() = 0;
  virtual const model::Snapshot& snapshot() const = 0;
  // Part of a message; a large message comes in several.
  virtual void apply(model::Delta delta) = 0;
  virtual void reject(ResourceError error) = 0;
  // The message is complete: publish what it changed. `received` = when its last byte arrived.
  virtual void message_end(absl::Time received) = 0;
  // The feed has delivered its full state (again).
  virtual void in_sync() = 0;
};

enum class FeedState : uint8_t { kConnecting, kSyncing, kInSync, kBackoff, kStopped };

// For status and metrics. Control thread.
struct FeedStatus {
  FeedState state = FeedState::kConnecting;
  std::string source;      // "xds istiod.istio-system.svc:15012", "file /etc/mesh.yaml"
  std::string last_error;  // the server's own words where there are any
  absl::Time connected_at = absl::InfinitePast();
  absl::Time last_message_at = absl::InfinitePast();
  absl::Time next_attempt_at = absl::InfinitePast();
  uint64_t connects = 0;
  uint64_t disconnects = 0;
  uint64_t messages = 0;
  uint64_t resources = 0;
  uint64_t removals = 0;
  uint64_t nacks = 0;
  uint64_t oversized = 0;  // responses over the receive limit
  std::string last_nonce;
};

class Feed {
 public:
  virtual ~Feed() = default;
  // Starts I/O. `wake` is called from any thread whenever process() has something to do.
  virtual absl::Status start(std::function<void()> wake) = 0;
  // Handles what has arrived and what is due; at most a bounded amount of work per call. Returns
  // true when there is more.
  virtual bool process(Sink& sink, absl::Time now) = 0;
  // process() wants to be called then even without input.
  [[nodiscard]] virtual absl::Time next_deadline() const = 0;
  [[nodiscard]] virtual FeedStatus status() const = 0;
  // Ends I/O and joins the feed's threads.
  virtual void stop() = 0;
};

}  // namespace vicinity::feed
