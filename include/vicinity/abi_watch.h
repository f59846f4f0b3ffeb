/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only OR BSD-2-Clause */
/*
 * The part of abi.h that is about failure detection: what became of connects to the endpoints of
 * watched tables, and which of them the hooks avoid. Same rules, same version. Included by abi.h,
 * never alone.
 *
 * A connect hook that chose a watched endpoint leaves a note by the socket's cookie. Tracing
 * programs find it when the handshake is over (inet_sock_set_state) or the socket has an error
 * (inet_sk_error_report), sock_release when the application has closed the socket.
 */
#ifndef VICINITY_ABI_WATCH_H_
#define VICINITY_ABI_WATCH_H_

enum vic_watch_limit {
  /* Elements of vic_watched once some table is watched; of a note's word, 18 bits. */
  VIC_WATCHED_ENDPOINTS = 131072,
  /* Lines of vic_notes once some table is watched: a power of two. */
  VIC_NOTE_LINES = 32768,
  VIC_LINE_NOTES = 4,
  /* A reset counts as early so long after the handshake, and before any data came. */
  VIC_EARLY_MS = 1000,
  /* TCP's first SYN is sent again after this: whoever gave up later had waited for it. */
  VIC_FIRST_RETRY_MS = 1000,
};

/* In vic_member.endpoint: the rest is an element of vic_watched, not of vic_active. */
#define VIC_ENDPOINT_WATCHED 0x80000000U

/*
 * What was seen of one endpoint of a table, a cache line of its own. Counts wrap around.
 * Array vic_watched; writer: hooks and tracing programs, of suspected_until the daemon too; reader:
 * hooks, daemon.
 */
struct vic_watched {
  __u64 active; /* connections open or being opened: notes with this element */
  __u64 established;
  __u64 connect_ns;      /* their handshakes, summed */
  __u64 suspected_until; /* CLOCK_MONOTONIC ns; 0 = it is not, and holds no place of its group */
  __u32 refused;
  __u32 unreachable;
  __u32 timed_out;
  __u32 reset_early;
  __u32 failed_in_row;   /* since the last that was established */
  __u32 refused_in_row;  /* likewise, also unreachable, and since it was last suspected */
  __u32 timeouts_in_row; /* likewise */
  __u32 group;           /* element with the table's vic_watch_group */
};

/* What a table's endpoints have in common. In an element of vic_watched like them; writer: daemon,
 * of `suspects` all who write suspected_until. */
struct vic_watch_group {
  __u64 active; /* 0 */
  __u64 suspicion_ns;
  __u32 refused_in_row; /* so many make an endpoint a suspect; 0 = never */
  __u32 timeouts_in_row;
  __u32 most_suspects;
  __u32 suspects; /* endpoints with suspected_until */
  __u64 reserved[4];
};

/* Of all. Element 0 of vic_watched; writer: hooks; reader: daemon. */
struct vic_watch_totals {
  __u64 active;     /* 0 */
  __u64 saved;      /* connects that another draw kept from a suspect */
  __u64 unobserved; /* connects for which vic_notes had no room */
  __u64 spilled;    /* notes that are in their second line at this moment */
  __u64 reserved[4];
};

/* vic_note.state. The upper 32 bits: since when, in jiffies; of an established connection since
 * that. */
enum vic_note_bits {
  VIC_NOTE_ELEMENT_MASK = 0x0003ffff,
  VIC_NOTE_ESTABLISHED = 0x00040000,
  VIC_NOTE_SPILLED = 0x00080000, /* in the cookie's second line */
  VIC_NOTE_CHECK_SHIFT = 20,     /* 12 bits of whom the socket connects to */
};

/* One connection. Both words change by compare-and-swap: programs on several CPUs may see the end
 * of a connection at once, and one of them counts it. */
struct vic_note {
  __u64 cookie; /* 0 = free */
  __u64 state;  /* enum vic_note_bits */
};

/* A line of vic_notes; a cookie's note is in one of two (bpf/notes.h). Writer and reader: programs.
 */
struct vic_note_line {
  struct vic_note notes[VIC_LINE_NOTES];
};

enum vic_suspicion {
  VIC_SUSPECTED_REFUSED = 0,
  VIC_SUSPECTED_UNREACHABLE = 1,
  VIC_SUSPECTED_TIMED_OUT = 2,
  VIC_RECOVERED_ESTABLISHED = 3,
  VIC_RECOVERED_TIME_UP = 4,
};

/* Ring buffer vic_events, told apart by `kind`. */
struct vic_watch_event {
  __u32 kind;      /* VIC_EVENT_SUSPICION */
  __u32 suspicion; /* enum vic_suspicion */
  __u32 element;
  __u32 reserved; /* 0 */
  __u64 at;       /* CLOCK_MONOTONIC ns */
  __u64 until;    /* of a suspect; otherwise 0 */
};

VIC_STATIC_ASSERT(sizeof(struct vic_watched) == 64, "vic_watched");
VIC_STATIC_ASSERT(sizeof(struct vic_watch_group) == 64, "vic_watch_group");
VIC_STATIC_ASSERT(sizeof(struct vic_watch_totals) == 64, "vic_watch_totals");
VIC_STATIC_ASSERT(sizeof(struct vic_note) == 16, "vic_note");
VIC_STATIC_ASSERT(sizeof(struct vic_note_line) == 64, "vic_note_line");
VIC_STATIC_ASSERT(sizeof(struct vic_watch_event) == 32, "vic_watch_event");
VIC_STATIC_ASSERT(VIC_WATCHED_ENDPOINTS <= VIC_NOTE_ELEMENT_MASK + 1, "a note names any element");

#include <vicinity/abi_ejections.h>

#endif /* VICINITY_ABI_WATCH_H_ */
