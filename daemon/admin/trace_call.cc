#include "admin/trace_call.h"

#include <absl/time/clock.h>
#include <grpcpp/support/sync_stream.h>

#include "admin/trace_board.h"
#include "base/status.h"

namespace vicinity::admin {
namespace {

constexpr absl::Duration kAnswerWait = absl::Seconds(20);
// How old an event is when it is shown, at most; and how soon a caller that has gone is missed.
constexpr absl::Duration kInterval = absl::Milliseconds(50);

absl::StatusOr<TraceBoard::ClientId> join(ControlQueue& queue, const TraceRequest& request) {
  absl::StatusOr<TraceBoard::ClientId> id = absl::UnknownError("not asked");
  VIC_RETURN_IF_ERROR(queue.run(
      [&](ControlView& view) {
        TraceBoard* board = view.trace_board();
        id = board == nullptr ? absl::FailedPreconditionError("trace: nobody to ask")
                              : board->join(request, view);
      },
      kAnswerWait));
  return id;
}

absl::StatusOr<TraceReply> take(ControlQueue& queue, TraceBoard::ClientId id) {
  TraceReply reply;
  VIC_RETURN_IF_ERROR(queue.run(
      [&](ControlView& view) { reply = view.trace_board()->take(id, view); }, kAnswerWait));
  return reply;
}

absl::Status stream(ControlQueue& queue, TraceBoard::ClientId id, grpc::ServerContext& context,
                    grpc::ServerWriter<TraceReply>& writer) {
  uint64_t lost = 0;
  while (!context.IsCancelled()) {
    VIC_ASSIGN_OR_RETURN(const TraceReply reply, take(queue, id));
    const bool news = reply.events_size() > 0 || reply.lost() != lost;
    lost = reply.lost();
    if (news && !writer.Write(reply)) return absl::OkStatus();
    if (!news) absl::SleepFor(kInterval);
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status run_trace(ControlQueue& queue, const TraceRequest& request,
                       grpc::ServerContext& context, grpc::ServerWriter<TraceReply>& writer) {
  VIC_ASSIGN_OR_RETURN(const auto id, join(queue, request));
  writer.SendInitialMetadata();
  absl::Status status = stream(queue, id, context, writer);
  // Control that does not answer any more has nobody to take off the board.
  (void)queue.run([&](ControlView& view) { view.trace_board()->leave(id); }, kAnswerWait);
  return status;
}

}  // namespace vicinity::admin
