// The network as the feed sees it, so that the rules above it can be tested without one. A
// Transport is used from the control thread; Events are called on the transport's own threads.
#pragma once

#include <absl/status/status.h>
#include <absl/time/time.h>

#include <memory>
#include <string>

#include "feed/xds/payload.h"

namespace vicinity::feed::xds {

// Why a stream is over; `status` has the server's own message, verbatim, where there is one.
struct StreamEnd {
  absl::Status status;
  bool oversized = false;  // a response was over this client's own limit
};

class StreamEvents {
 public:
  virtual ~StreamEvents() = default;
  // The server has accepted the stream.
  virtual void on_connected() = 0;
  // `received`: when its last byte came.
  virtual void on_message(Payload payload, absl::Time received) = 0;
  // The last event of a stream.
  virtual void on_end(StreamEnd end) = 0;
};

// One attempt. The destructor cancels it and returns after the last event.
class Stream {
 public:
  virtual ~Stream() = default;
  // Queues a request; never blocks.
  virtual void send(std::string request) = 0;
  // Asks for one more message: one on_message() at most for each call.
  virtual void read() = 0;
};

class Transport {
 public:
  virtual ~Transport() = default;
  // Starts a stream with `first_request`. Never fails: whatever goes wrong comes as on_end().
  // `events` outlives the stream.
  virtual std::unique_ptr<Stream> open(const std::string& first_request, StreamEvents& events) = 0;
};

}  // namespace vicinity::feed::xds
