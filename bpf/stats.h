/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What the hooks count: outcomes per CPU, choices by service and tier, refusals by service. All of
 * it goes away when vic_counting is frozen to 0.
 */
#ifndef VICINITY_STATS_H_
#define VICINITY_STATS_H_

#include "lookup.h"
#include "once.h"

/* Refused connections by counter row. Not pinned with the tables: abi.h knows nothing of it. */
VIC_MAPPED_ARRAY(vic_refusals, __u64, VIC_COUNTER_ROWS);

static __always_inline void vic_count_outcome(const enum vic_hook hook, enum vic_outcome outcome) {
  /* A translated connection is counted already, by service and tier: one line less to touch. */
  if (outcome == VIC_OUTCOME_TRANSLATED || !vic_counting) return;
  const __u32 index = hook;
  __u64* counts = bpf_map_lookup_elem(&vic_outcomes, &index);
  if (!counts || outcome >= VIC_OUTCOME_COUNT) return;
  /* Atomic although per CPU: the hooks can be preempted by one another. */
  __sync_fetch_and_add(&counts[outcome], 1);
}

/* Not inlined, so that the object's BTF describes the event. */
static __noinline int vic_describe_use(struct vic_event* event, const union vic_destination* at,
                                       __u32 family) {
  __builtin_memset(event, 0, sizeof(*event));
  event->kind = VIC_EVENT_FIRST_USE;
  event->family = (__u8)family;
  event->port_be = vic_port_be(at, family);
  event->realm = family == VIC_FAMILY_IPV4 ? at->v4.realm : at->v6.realm;
  event->address_be[0] = at->v6.address_be[0];
  if (family != VIC_FAMILY_IPV6) return 0;
  event->address_be[1] = at->v6.address_be[1];
  event->address_be[2] = at->v6.address_be[2];
  event->address_be[3] = at->v6.address_be[3];
  return 0;
}

/* Tells the daemon once, more or less: until it gives the service a row, every choice asks. */
VIC_VERIFIED_ONCE int vic_ask_for_row(const union vic_destination* at, __u32 family) {
  if (!at) return 0;
  struct vic_event* event = bpf_ringbuf_reserve(&vic_events, sizeof(*event), 0);
  if (!event) return 0;
  vic_describe_use(event, at, family);
  bpf_ringbuf_submit(event, 0);
  return 0;
}

/* This CPU's part of the counters. */
static __always_inline __u32 vic_counter_shard(void) {
  return vic_counting ? bpf_get_smp_processor_id() & vic_shard_mask : 0;
}

/* Fetches the line in which the choice will most likely be counted, while the slot is fetched. */
static __always_inline void vic_approach_counter(__u32 shard, __u32 view_flags) {
  if (!vic_counting) return;
  const __u32 index = shard * VIC_COUNTER_SHARD + vic_hinted_row(view_flags);
  const __u64* count = bpf_map_lookup_elem(&vic_counters, &index);
  if (count) vic_touch(*count);
}

static __always_inline void vic_count_choice(const union vic_destination* at, __u32 shard,
                                             __u16 counter, const enum vic_family family) {
  if (!vic_counting) return;
  const __u32 index = vic_counter_index(shard, counter);
  __u64* count = bpf_map_lookup_elem(&vic_counters, &index);
  if (count) __sync_fetch_and_add(count, 1);
  if (counter >> 4 == 0) vic_ask_for_row(at, family);
}

/* Refused by the service whose record is at `record`; `at` is the key of its entry. */
static __always_inline int vic_count_refusal(const union vic_destination* at, __u32 record,
                                             const enum vic_family family) {
  const struct vic_service* service = bpf_map_lookup_elem(&vic_services, &record);
  const __u32 row = service ? VIC_LOAD(service->counter_row) : 0;
  __u64* count = bpf_map_lookup_elem(&vic_refusals, &row);
  if (count) __sync_fetch_and_add(count, 1);
  return row == 0 ? vic_ask_for_row(at, family) : 0;
}

VIC_VERIFIED_ONCE int vic_count_refusal4(const union vic_destination* at, __u32 record) {
  return at ? vic_count_refusal(at, record, VIC_FAMILY_IPV4) : 0;
}

VIC_VERIFIED_ONCE int vic_count_refusal6(const union vic_destination* at, __u32 record) {
  return at ? vic_count_refusal(at, record, VIC_FAMILY_IPV6) : 0;
}

static __always_inline enum vic_outcome vic_refuse(enum vic_outcome outcome, __u32 record,
                                                   const union vic_destination* at,
                                                   const enum vic_family family) {
  if (!vic_counting) return outcome;
  if (family == VIC_FAMILY_IPV4)
    vic_count_refusal4(at, record);
  else
    vic_count_refusal6(at, record);
  return outcome;
}

#endif /* VICINITY_STATS_H_ */
