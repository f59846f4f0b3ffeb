// The xDS stream as a Feed: a Session fed by a Transport through a bounded queue. The transport's
// threads only fill the queue; everything else happens in process(), on the control thread.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/synchronization/mutex.h>
#include <absl/time/time.h>

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <variant>

#include "feed/feed.h"
#include "feed/xds/options.h"
#include "feed/xds/session.h"
#include "feed/xds/transport.h"

namespace vicinity::feed::xds {

class XdsFeed final : public Feed {
 public:
  // Messages received and not yet processed, at most.
  static constexpr int kReadAhead = 2;

  XdsFeed(XdsOptions options, std::unique_ptr<Transport> transport, Uniform uniform);
  ~XdsFeed() override;
  XdsFeed(const XdsFeed&) = delete;
  XdsFeed& operator=(const XdsFeed&) = delete;

  absl::Status start(std::function<void()> wake) override;
  bool process(Sink& sink, absl::Time now) override;
  [[nodiscard]] absl::Time next_deadline() const override { return session_.next_deadline(); }
  [[nodiscard]] FeedStatus status() const override { return session_.status(); }
  void stop() override;

 private:
  struct Connected {};
  struct Message {
    Payload payload;
    absl::Time received;
  };
  using Event = std::variant<Connected, Message, StreamEnd>;

  // Between the transport's threads and the control thread.
  class Inbox final : public StreamEvents {
   public:
    void set_wake(std::function<void()> wake) { wake_ = std::move(wake); }
    void on_connected() override { push(Connected{}); }
    void on_message(Payload payload, absl::Time received) override;
    void on_end(StreamEnd end) override { push(std::move(end)); }
    std::optional<Event> pop();
    void clear();

   private:
    void push(Event event);

    std::function<void()> wake_;  // set before the first event
    absl::Mutex mutex_;
    std::deque<Event> events_ ABSL_GUARDED_BY(mutex_);
  };

  [[nodiscard]] static size_t size_of(const Event& event);
  void connect(const Sink& sink);
  void handle(Event event, Sink& sink, absl::Time now);
  void handle_message(Message& message, Sink& sink, absl::Time now);
  // Answers and asks for the next message.
  void go_on(std::string answer);

  XdsOptions options_;
  Session session_;
  std::unique_ptr<Transport> transport_;
  Inbox inbox_;
  std::unique_ptr<Stream> stream_;  // nullptr between attempts
  bool running_ = false;
};

// With gRPC and a random generator of its own.
[[nodiscard]] std::unique_ptr<Feed> make_xds_feed(const XdsOptions& options);

}  // namespace vicinity::feed::xds
