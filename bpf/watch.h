/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What became of connections to watched endpoints. A connect hook leaves a note, tracing programs
 * and sock_release say how the connection went on. Compiled away unless vic_watching is frozen to
 * 1, which it is as soon as a table is watched.
 *
 * Not seen: connect() that fails before its first SYN (no route, no local port), and an application
 * that gives up sooner than the first SYN is sent again. Neither says anything of the endpoint.
 */
#ifndef VICINITY_WATCH_H_
#define VICINITY_WATCH_H_

#include <linux/in.h>

#include "notes.h"

/* A note that is still there is of an earlier connect() of this socket, of which nothing more was
 * heard: it failed before it began. */
VIC_VERIFIED_ONCE int vic_leave_note_anyhow(__u64 cookie, __u32 element, __u32 check) {
  struct vic_note* note = vic_note_of(cookie);
  if (note) vic_end_note(note, cookie);
  struct vic_watched* watched = vic_watched_at(element);
  if (watched && vic_put_note(cookie, element | check)) {
    __sync_fetch_and_add(&watched->active, 1);
    return 0;
  }
  struct vic_watch_totals* totals = vic_watch_totals_of_all();
  if (totals) __sync_fetch_and_add(&totals->unobserved, 1);
  return 0;
}

/* Leaves a note: most sockets have none yet, and find room at once. */
static __always_inline void vic_leave_note(struct bpf_sock_addr* ctx, __u32 element, __u32 check) {
  const __u64 cookie = bpf_get_socket_cookie(ctx);
  struct vic_watched* watched = vic_watched_at(element);
  struct vic_note* room = vic_room_for(cookie);
  if (!watched || !room || vic_some_spilled() ||
      __sync_val_compare_and_swap(&room->cookie, 0, cookie) != 0) {
    vic_leave_note_anyhow(cookie, element, check);
    return;
  }
  room->state = vic_note_state(element | check);
  __sync_fetch_and_add(&watched->active, 1);
}

/* The choice is `endpoint`, as vic_member has it: a connection has a note of that, a datagram's
 * socket its record. */
static __always_inline void vic_watch(struct bpf_sock_addr* ctx, __u32 endpoint,
                                      union vic_destination* at, const enum vic_family family) {
  if (ctx->protocol != IPPROTO_TCP) {
    at->v6.reserved = endpoint; /* a word that no address needs: udp.h makes the record */
    return;
  }
  const __u32 address_be = family == VIC_FAMILY_IPV4 ? at->v4.address_be : at->v6.address_be[3];
  vic_leave_note(ctx, endpoint & ~VIC_ENDPOINT_WATCHED,
                 vic_note_check(address_be, vic_port_be(at, family)));
}

/* The application has closed the socket: one that was still connecting, and had waited for more
 * than one SYN to be answered, gave up. */
static __always_inline void vic_release_note(__u64 cookie, __u32 tcp_state) {
  struct vic_note* note = vic_note_of(cookie);
  const __u64 state = note ? vic_end_note(note, cookie) : 0;
  if (state == 0 || state & VIC_NOTE_ESTABLISHED || tcp_state != BPF_TCP_SYN_SENT) return;
  if (vic_since(state) >= VIC_FIRST_RETRY_MS * 1000000ULL)
    vic_failed((__u32)state & VIC_NOTE_ELEMENT_MASK, VIC_SUSPECTED_TIMED_OUT);
}

#endif /* VICINITY_WATCH_H_ */
