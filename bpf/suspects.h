/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Suspects: endpoints whose last connects all failed, which the hooks avoid for a while, at most so
 * many of a table. Whoever makes suspected_until non-zero has taken a place in the group, and
 * whoever makes it zero gives it back.
 */
#ifndef VICINITY_SUSPECTS_H_
#define VICINITY_SUSPECTS_H_

#include "lookup.h"
#include "maps.h"
#include "once.h"

static __always_inline struct vic_watched* vic_watched_at(__u32 element) {
  return bpf_map_lookup_elem(&vic_watched, &element);
}

/* 0: nothing is known of the table any more. */
static __always_inline struct vic_watch_group* vic_group_of(const struct vic_watched* watched) {
  const __u32 element = VIC_LOAD(watched->group);
  return element ? (struct vic_watch_group*)vic_watched_at(element) : 0;
}

static __always_inline void vic_tell_suspicion(__u32 element, __u32 suspicion, __u64 until) {
  struct vic_watch_event* event = bpf_ringbuf_reserve(&vic_events, sizeof(*event), 0);
  if (!event) return;
  event->kind = VIC_EVENT_SUSPICION;
  event->suspicion = suspicion;
  event->element = element;
  event->reserved = 0;
  event->at = bpf_ktime_get_ns();
  event->until = until;
  bpf_ringbuf_submit(event, 0);
}

static __always_inline void vic_clear_streaks(struct vic_watched* watched) {
  watched->refused_in_row = 0;
  watched->timeouts_in_row = 0;
}

VIC_VERIFIED_ONCE int vic_recover(__u32 element, __u32 suspicion) {
  struct vic_watched* watched = vic_watched_at(element);
  if (!watched) return 0;
  const __u64 until = VIC_LOAD(watched->suspected_until);
  if (until == 0) return 0;
  vic_clear_streaks(watched);
  if (__sync_val_compare_and_swap(&watched->suspected_until, until, 0) != until) return 0;
  struct vic_watch_group* group = vic_group_of(watched);
  if (group) __sync_fetch_and_add(&group->suspects, -1);
  vic_tell_suspicion(element, suspicion, 0);
  return 1;
}

/* 1: a place is taken. */
static __always_inline int vic_take_place(struct vic_watch_group* group) {
  const __u32 most = VIC_LOAD(group->most_suspects);
  if (VIC_LOAD(group->suspects) >= most) return 0;
  if (__sync_fetch_and_add(&group->suspects, 1) < most) return 1;
  __sync_fetch_and_add(&group->suspects, -1);
  return 0;
}

static __always_inline void vic_suspect(__u32 element, struct vic_watched* watched,
                                        struct vic_watch_group* group, __u32 suspicion) {
  const __u64 now = bpf_ktime_get_ns();
  const __u64 until = now + VIC_LOAD(group->suspicion_ns);
  const __u64 old = VIC_LOAD(watched->suspected_until);
  if (old > now || (old == 0 && !vic_take_place(group))) return;
  vic_clear_streaks(watched);
  if (__sync_val_compare_and_swap(&watched->suspected_until, old, until) == old)
    vic_tell_suspicion(element, suspicion, until);
  else if (old == 0)
    __sync_fetch_and_add(&group->suspects, -1);
}

static __always_inline void vic_count_failure(struct vic_watched* watched, __u32 suspicion) {
  __sync_fetch_and_add(&watched->failed_in_row, 1);
  if (suspicion == VIC_SUSPECTED_TIMED_OUT)
    __sync_fetch_and_add(&watched->timed_out, 1);
  else if (suspicion == VIC_SUSPECTED_UNREACHABLE)
    __sync_fetch_and_add(&watched->unreachable, 1);
  else
    __sync_fetch_and_add(&watched->refused, 1);
}

/* A connect to this endpoint failed so. */
VIC_VERIFIED_ONCE int vic_failed(__u32 element, __u32 suspicion) {
  struct vic_watched* watched = vic_watched_at(element);
  if (!watched) return 0;
  vic_count_failure(watched, suspicion);
  struct vic_watch_group* group = vic_group_of(watched);
  if (!group) return 0;
  const int timed_out = suspicion == VIC_SUSPECTED_TIMED_OUT;
  __u32* streak = timed_out ? &watched->timeouts_in_row : &watched->refused_in_row;
  const __u32* limited = timed_out ? &group->timeouts_in_row : &group->refused_in_row;
  const __u32 limit = VIC_LOAD(*limited);
  const __u32 in_row = __sync_fetch_and_add(streak, 1) + 1;
  if (limit != 0 && in_row >= limit) vic_suspect(element, watched, group, suspicion);
  return 0;
}

/* Not yet: is it worth asking? Most have nothing to do with it. */
static __always_inline int vic_may_be_suspect(__u32 endpoint) {
  if (!(endpoint & VIC_ENDPOINT_WATCHED)) return 0;
  const struct vic_watched* watched = vic_watched_at(endpoint & ~VIC_ENDPOINT_WATCHED);
  return watched && VIC_LOAD(watched->suspected_until) != 0;
}

/* Is the endpoint, as a vic_member names it, to be avoided? Ends a suspicion whose time is over. */
VIC_VERIFIED_ONCE int vic_is_suspect(__u32 endpoint) {
  if (!(endpoint & VIC_ENDPOINT_WATCHED)) return 0;
  const __u32 element = endpoint & ~VIC_ENDPOINT_WATCHED;
  const struct vic_watched* watched = vic_watched_at(element);
  const __u64 until = watched ? VIC_LOAD(watched->suspected_until) : 0;
  if (until == 0) return 0;
  if (until > bpf_ktime_get_ns()) return 1;
  vic_recover(element, VIC_RECOVERED_TIME_UP);
  return 0;
}

static __always_inline void vic_count_saved(void) {
  struct vic_watch_totals* totals = (struct vic_watch_totals*)vic_watched_at(0);
  if (totals) __sync_fetch_and_add(&totals->saved, 1);
}

#endif /* VICINITY_SUSPECTS_H_ */
