#include "admin/trace_board.h"

#include <algorithm>
#include <cerrno>
#include <string_view>
#include <utility>

#include "admin/trace_names.h"
#include "base/glob.h"
#include "base/status.h"
#include "base/steady_time.h"

namespace vicinity::admin {
namespace {

constexpr int kMostPerReply = 1000;

std::string_view outcome_of(const dataplane::Traced& end) {
  if (end.kind == dataplane::Traced::Kind::kEstablished) return "established";
  switch (end.error) {
    case 0:
      return "given up";
    case ECONNREFUSED:
    case ECONNRESET:
      return "refused";
    case ETIMEDOUT:
      return "timed out";
    case EHOSTUNREACH:
    case ENETUNREACH:
      return "unreachable";
    default:
      return "failed";
  }
}

// A refused connect never begins, and datagrams have no connection.
bool has_an_end(const dataplane::Traced& choice) {
  return choice.transport == dataplane::Transport::kTcp && choice.verdict.result != "refused";
}

bool has_failed(const TraceEvent& event) {
  if (event.result() == "refused") return true;
  return !event.outcome().empty() && event.outcome() != "established" &&
         event.outcome() != "connecting";
}

}  // namespace

bool wants(const TraceRequest& request, const TraceEvent& event) {
  if (request.refused() && !has_failed(event)) return false;
  if (!request.service().empty() && !base::glob_matches(request.service(), event.service())) {
    return false;
  }
  return request.pod().empty() || std::ranges::count(event.pod_addresses(), request.pod()) > 0;
}

TraceBoard::~TraceBoard() {
  if (traces_ != nullptr) traces_->turn_off();
}

absl::StatusOr<TraceBoard::ClientId> TraceBoard::join(TraceRequest request, ControlView& view) {
  if (view.traces() == nullptr) {
    return absl::FailedPreconditionError("trace: this data plane does not tell single connects");
  }
  if (!request.pod().empty()) {
    VIC_ASSIGN_OR_RETURN(const auto address, model::IpAddress::parse(request.pod()));
    request.set_pod(address.to_string());
  }
  traces_ = view.traces();
  const ClientId id = ++last_client_;
  clients_[id] = {
      .request = std::move(request), .waiting = {}, .lost = 0, .lost_before = traces_->lost()};
  if (absl::Status status = collect(view); !status.ok()) {
    leave(id);
    return status;
  }
  return id;
}

void TraceBoard::leave(ClientId client) {
  clients_.erase(client);
  if (!clients_.empty() || traces_ == nullptr) return;
  std::exchange(traces_, nullptr)->turn_off();
  open_.clear();
  opened_.clear();
}

TraceReply TraceBoard::take(ClientId client, ControlView& view) {
  TraceReply reply;
  const auto found = clients_.find(client);
  if (found == clients_.end()) return reply;
  // An error would have shown when the client came: it is the same attachment.
  (void)collect(view);
  Client& taker = found->second;
  while (!taker.waiting.empty() && reply.events_size() < kMostPerReply) {
    *reply.add_events() = std::move(taker.waiting.front());
    taker.waiting.pop_front();
  }
  reply.set_lost(taker.lost + traces_->lost() - taker.lost_before);
  return reply;
}

absl::Status TraceBoard::collect(ControlView& view) {
  VIC_RETURN_IF_ERROR(traces_->keep_on(kKeepOn));
  TraceNames names(view);
  for (const dataplane::Traced& told : traces_->take()) {
    if (told.kind == dataplane::Traced::Kind::kChoice) {
      note_choice(told, names.describe(told));
    } else {
      note_end(told);
    }
  }
  lose_patience();
  return absl::OkStatus();
}

void TraceBoard::note_choice(const dataplane::Traced& choice, TraceEvent event) {
  if (!has_an_end(choice)) return tell(event);
  open_.insert_or_assign(choice.cookie, Open{.event = std::move(event),
                                             .chosen_at_ns = choice.at_ns,
                                             .patience_ends = base::steady_now() + kPatience,
                                             .told = false});
  opened_.push_back(choice.cookie);
  if (opened_.size() > kMostOpen) forget_oldest();
}

void TraceBoard::note_end(const dataplane::Traced& end) {
  auto found = open_.extract(end.cookie);
  if (found.empty()) return;
  Open& open = found.mapped();
  open.event.set_outcome(std::string(outcome_of(end)));
  open.event.set_connect_seconds(static_cast<double>(end.at_ns - open.chosen_at_ns) / 1e9);
  tell(open.event);
}

void TraceBoard::lose_patience() {
  const absl::Time now = base::steady_now();
  for (auto& [cookie, open] : open_) {
    if (open.told || now < open.patience_ends) continue;
    open.told = true;
    open.event.set_outcome("connecting");
    tell(open.event);
  }
}

void TraceBoard::forget_oldest() {
  const auto found = open_.find(opened_.front());
  opened_.pop_front();
  if (found == open_.end()) return;
  if (!found->second.told) {
    found->second.event.set_outcome("connecting");
    tell(found->second.event);
  }
  open_.erase(found);
}

void TraceBoard::tell(const TraceEvent& event) {
  for (auto& [id, client] : clients_) {
    if (!wants(client.request, event)) continue;
    if (client.waiting.size() == kMostWaiting) {
      ++client.lost;
    } else {
      client.waiting.push_back(event);
    }
  }
}

}  // namespace vicinity::admin
