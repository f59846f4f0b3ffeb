/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Notes of connections to watched endpoints, by socket cookie: two candidate lines of four. Socket
 * storage or a hash would cost a connect more than all the rest.
 */
#ifndef VICINITY_NOTES_H_
#define VICINITY_NOTES_H_

#include "suspects.h"

static __always_inline struct vic_note* vic_note_in(__u32 index, __u64 cookie) {
  struct vic_note_line* line = bpf_map_lookup_elem(&vic_notes, &index);
  if (!line) return 0;
#pragma unroll
  for (__u32 i = 0; i < VIC_LINE_NOTES; i++) {
    if (VIC_LOAD(line->notes[i].cookie) == cookie) return &line->notes[i];
  }
  return 0;
}

/* The kernel counts cookies up, CPU by CPU: sockets that are made one after another share a line,
 * which is still in the cache. */
static __always_inline __u32 vic_first_note_line(__u64 cookie) {
  return (__u32)(cookie / VIC_LINE_NOTES) & (VIC_NOTE_LINES - 1);
}

/* Where a note goes when connections of long ago fill the first line. */
static __always_inline __u32 vic_second_note_line(__u64 cookie) {
  return (__u32)vic_hash(&cookie, 1) & (VIC_NOTE_LINES - 1);
}

static __always_inline struct vic_watch_totals* vic_watch_totals_of_all(void) {
  return (struct vic_watch_totals*)vic_watched_at(0);
}

/* Most of the time there is none in any second line. */
static __always_inline int vic_some_spilled(void) {
  const struct vic_watch_totals* totals = vic_watch_totals_of_all();
  return totals && VIC_LOAD(totals->spilled) != 0;
}

static __always_inline struct vic_note* vic_note_of(__u64 cookie) {
  struct vic_note* note = vic_note_in(vic_first_note_line(cookie), cookie);
  if (note || !vic_some_spilled()) return note;
  return vic_note_in(vic_second_note_line(cookie), cookie);
}

/* A free place in the cookie's first line; 0 = there is none, or the cookie has a note there. */
static __always_inline struct vic_note* vic_room_for(__u64 cookie) {
  __u32 index = vic_first_note_line(cookie);
  struct vic_note_line* line = bpf_map_lookup_elem(&vic_notes, &index);
  struct vic_note* room = 0;
  if (!line) return 0;
#pragma unroll
  for (__u32 i = 0; i < VIC_LINE_NOTES; i++) {
    const __u64 holder = VIC_LOAD(line->notes[i].cookie);
    if (holder == cookie) return 0;
    if (holder == 0) room = &line->notes[i];
  }
  return room;
}

static __always_inline struct vic_note* vic_take_note_in(__u32 index, __u64 cookie) {
  struct vic_note_line* line = bpf_map_lookup_elem(&vic_notes, &index);
  if (!line) return 0;
#pragma unroll
  for (__u32 i = 0; i < VIC_LINE_NOTES; i++) {
    if (VIC_LOAD(line->notes[i].cookie) != 0) continue;
    if (__sync_val_compare_and_swap(&line->notes[i].cookie, 0, cookie) == 0) return &line->notes[i];
  }
  return 0;
}

/* By jiffies: any clock costs a connect more than finding its note. */
static __always_inline __u64 vic_note_state(__u32 word) { return bpf_jiffies64() << 32 | word; }

/* Since a note's time, in ns, exact to a jiffy; for what lasts fifty days at most. */
static __always_inline __u64 vic_since(__u64 state) {
  return (__u64)((__u32)bpf_jiffies64() - (__u32)(state >> 32)) * vic_tick_ns;
}

/* 12 bits of whom the socket connects to, in a note's word: a socket may have gone elsewhere since,
 * where nobody leaves notes. `address_be`: of IPv6 the last word. */
static __always_inline __u32 vic_note_check(__u32 address_be, __u16 port_be) {
  const __u32 mixed = (address_be ^ (__u32)port_be << 7) * 0x9e3779b1U;
  return mixed >> VIC_NOTE_CHECK_SHIFT << VIC_NOTE_CHECK_SHIFT;
}

/* Ends the note, for one of those who try: the connection's state. 0 = somebody else did; no state
 * is 0, since no endpoint is element 0. */
static __always_inline __u64 vic_end_note(struct vic_note* note, __u64 cookie) {
  const __u64 state = VIC_LOAD(note->state);
  if (__sync_val_compare_and_swap(&note->cookie, cookie, 0) != cookie) return 0;
  struct vic_watched* watched = vic_watched_at((__u32)state & VIC_NOTE_ELEMENT_MASK);
  if (watched) __sync_fetch_and_add(&watched->active, -1);
  struct vic_watch_totals* totals = state & VIC_NOTE_SPILLED ? vic_watch_totals_of_all() : 0;
  if (totals) __sync_fetch_and_add(&totals->spilled, -1);
  return state;
}

/* Puts a note with this word there. 0 = there is no room. REQUIRES: the cookie has none. */
static __always_inline int vic_put_note(__u64 cookie, __u32 word) {
  struct vic_note* note = vic_take_note_in(vic_first_note_line(cookie), cookie);
  if (!note) {
    note = vic_take_note_in(vic_second_note_line(cookie), cookie);
    if (!note) return 0;
    struct vic_watch_totals* totals = vic_watch_totals_of_all();
    if (totals) __sync_fetch_and_add(&totals->spilled, 1);
    word |= VIC_NOTE_SPILLED;
  }
  note->state = vic_note_state(word);
  return 1;
}

#endif /* VICINITY_NOTES_H_ */
