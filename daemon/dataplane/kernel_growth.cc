// Growing: a complete new generation beside the old one, links switched one by one, the old one
// dropped. Programs that are still running keep the old maps until they end.
#include <spdlog/spdlog.h>

#include <utility>

#include "base/status.h"
#include "base/steady_time.h"
#include "dataplane/kernel_dataplane.h"

namespace vicinity::dataplane {
namespace {

compile::Diff everything_in(compile::Tables tables) {
  compile::Diff diff;
  for (auto& [name, table] : tables.services) diff.upserts.push_back(std::move(table));
  return diff;
}

// All but the table and what is known of prefixes and overflow, which are the publisher's.
void copy_config(const vic_config& from, vic_config& to) {
  to.lease_until = from.lease_until;
  to.lease_ticks = from.lease_ticks;
  to.self_until = from.self_until;
  to.self_tgid = from.self_tgid;
  to.flags |= from.flags & (VIC_CONFIG_UNKNOWN_PORT_REFUSE | VIC_CONFIG_PODS | VIC_CONFIG_TRACE);
}

}  // namespace

void KernelDataplane::try_to_grow(const Sizes& sizes) {
  const absl::Time now = base::steady_now();
  if (sizes == generation_->sizes() || !growth_retry_.may_try(sizes, now)) return;
  const absl::Status status = grow(sizes);
  if (status.ok()) return growth_retry_.succeeded();
  // What is there keeps working; services that need more room are refused one by one.
  spdlog::error("generation {}: grow: {}", generation_->number(), base::message(status));
  growth_retry_.failed(sizes, now);
}

absl::Status KernelDataplane::grow(const Sizes& sizes) {
  const uint32_t number = generation_->number() + 1;
  const LoadPlan larger = plan(sizes);
  VIC_ASSIGN_OR_RETURN(std::unique_ptr<Generation> next, Generation::load(number, larger));
  for (size_t i = 0; i < VIC_FAMILY_COUNT; ++i) {
    copy_config(generation_->memory().config[i], next->memory().config[i]);
  }
  auto publisher = std::make_unique<Publisher>(environment_of(*next));
  publisher->format();
  publisher->succeed(*publisher_);
  const compile::Diff everything = everything_in(publisher_->read_all());
  const PublishResult copied = publisher->apply(everything);
  if (!copied.unpublished.empty()) return copied.unpublished.front().status;
  move_counters(*publisher);
  absl::Status switched = pins_.pin(number, next->map_fds());
  if (switched.ok()) switched = links_.update(next->object());
  if (switched.ok()) switched = active_link_.update(next->object());
  if (switched.ok() && watch_links_.attached()) switched = watch_links_.attach(next->object());
  if (!switched.ok()) {
    // Back to the old programs, one of which may have been replaced already.
    switched.Update(links_.update(generation_->object()));
    switched.Update(active_link_.update(generation_->object()));
    if (watch_links_.attached()) switched.Update(watch_links_.attach(generation_->object()));
    switched.Update(Pins::remove(pins_.generation_path(number)));
    return switched;
  }
  for (const uint16_t row : publisher_->take_retired_rows()) publisher->retire_row(row);
  publisher_ = std::move(publisher);
  generation_ = std::move(next);
  generation_->object().pin(pins_.generation_path(number), larger);
  remove_other_generations();
  spdlog::info("generation {}: {} MiB of maps", number, generation_->bytes() >> 20);
  return absl::OkStatus();
}

void KernelDataplane::move_counters(Publisher& to) {
  for (const auto& [name, service] : publisher_->services()) {
    if (service.counter_row != 0) to.set_counter_row(name, service.counter_row);
  }
}

}  // namespace vicinity::dataplane
