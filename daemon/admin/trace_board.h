// Who watches, and what each of them has yet to be told. Tracing is on while somebody asks: each
// take() keeps it on for kKeepOn, and the last leave() turns it off, so neither a client that was
// killed nor a daemon that died leaves it on. Owned by the engine; control thread.
#pragma once

#include <absl/container/flat_hash_map.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <cstdint>
#include <deque>
#include <map>

#include "admin/control_queue.h"
#include "proto/vicinity/admin.pb.h"

namespace vicinity::admin {

class TraceBoard {
 public:
  static constexpr absl::Duration kKeepOn = absl::Seconds(2);
  // A connection that is not open after this is told as "connecting", and its end when it comes.
  static constexpr absl::Duration kPatience = absl::Milliseconds(500);
  // Events that a client may be behind; the rest is lost to it.
  static constexpr size_t kMostWaiting = 8192;
  // Connections whose end is waited for; the oldest are forgotten.
  static constexpr size_t kMostOpen = 16384;

  using ClientId = uint64_t;

  TraceBoard() = default;
  TraceBoard(const TraceBoard&) = delete;
  TraceBoard& operator=(const TraceBoard&) = delete;
  ~TraceBoard();

  // FailedPrecondition: this node cannot trace.
  [[nodiscard]] absl::StatusOr<ClientId> join(TraceRequest request, ControlView& view);
  void leave(ClientId client);
  // What there is for this client, at most some thousand events.
  [[nodiscard]] TraceReply take(ClientId client, ControlView& view);

 private:
  struct Client {
    TraceRequest request;
    std::deque<TraceEvent> waiting;
    uint64_t lost = 0;         // for want of room in `waiting`
    uint64_t lost_before = 0;  // in the kernel, before the client came
  };
  struct Open {
    TraceEvent event;
    uint64_t chosen_at_ns = 0;
    absl::Time patience_ends;
    bool told = false;
  };

  [[nodiscard]] absl::Status collect(ControlView& view);
  void note_end(const dataplane::Traced& end);
  void note_choice(const dataplane::Traced& choice, TraceEvent event);
  void lose_patience();
  void forget_oldest();
  void tell(const TraceEvent& event);

  dataplane::Traces* traces_ = nullptr;  // while somebody watches
  ClientId last_client_ = 0;
  std::map<ClientId, Client> clients_;
  absl::flat_hash_map<uint64_t, Open> open_;  // by cookie
  std::deque<uint64_t> opened_;               // cookies, oldest first; some have ended
};

// Does the client want to see it?
[[nodiscard]] bool wants(const TraceRequest& request, const TraceEvent& event);

}  // namespace vicinity::admin
