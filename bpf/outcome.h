/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The tracing programs of failure detection: the end of a handshake, and errors of sockets. They
 * see every socket of the node, and look for its note. Only loaded while some table is watched.
 */
#ifndef VICINITY_OUTCOME_H_
#define VICINITY_OUTCOME_H_

#include <linux/errno.h>

#include <bpf/bpf_core_read.h>

#include "kernel_socket.h"
#include "origin.h"
#include "watch.h"

/* The members that are read, where the running kernel has them. */
struct tcp_sock {
  __u64 bytes_received;
  __u32 srtt_us; /* eighths */
  __u32 total_retrans;
  __u8 is_mptcp : 1;
} __attribute__((preserve_access_index));

enum { VIC_AF_INET6 = 10 };

/* Is the socket still connected to whom the note is about? */
static __always_inline int vic_note_fits(const struct sock* socket, __u64 state) {
  const struct sock_common* common = &socket->__sk_common;
  if (common->skc_dport == 0) return 1; /* disconnected meanwhile */
  const __u32 address_be =
      common->skc_family == VIC_AF_INET6 ? common->skc_v6_daddr.words[3] : common->skc_daddr;
  const __u32 check = vic_note_check(address_be, common->skc_dport);
  return (__u32)state >> VIC_NOTE_CHECK_SHIFT == check >> VIC_NOTE_CHECK_SHIFT;
}

/* An MPTCP subflow: nobody would say when it is closed. */
static __always_inline int vic_is_subflow(const struct tcp_sock* tcp) {
  return bpf_core_field_exists(tcp->is_mptcp) && BPF_CORE_READ_BITFIELD(tcp, is_mptcp);
}

/* How long the handshake took: what TCP itself has measured, unless it had to repeat the SYN. */
static __always_inline __u64 vic_handshake_ns(const struct tcp_sock* tcp, __u64 state) {
  const __u32 round_trip = tcp->srtt_us;
  return round_trip && !tcp->total_retrans ? round_trip * 125ULL : vic_since(state);
}

static __always_inline void vic_count_established(__u32 element, __u64 took_ns) {
  struct vic_watched* watched = vic_watched_at(element);
  if (!watched) return;
  __sync_fetch_and_add(&watched->established, 1);
  __sync_fetch_and_add(&watched->connect_ns, took_ns);
  if (VIC_LOAD(watched->failed_in_row)) watched->failed_in_row = 0;
  if (watched->refused_in_row | watched->timeouts_in_row) vic_clear_streaks(watched);
  if (VIC_LOAD(watched->suspected_until)) vic_recover(element, VIC_RECOVERED_ESTABLISHED);
}

/* The handshake is over. */
static __always_inline int vic_established(struct sock* socket) {
  const __u64 cookie = bpf_get_socket_cookie(socket);
  struct vic_note* note = vic_note_of(cookie);
  if (!note) return 0;
  const __u64 state = VIC_LOAD(note->state);
  if (state & VIC_NOTE_ESTABLISHED) return 0; /* another generation's program was first */
  if (!vic_note_fits(socket, state)) {
    vic_end_note(note, cookie);
    return 0;
  }
  const struct tcp_sock* tcp = bpf_skc_to_tcp_sock(socket);
  if (!tcp) return 0;
  const __u64 next = vic_note_state((__u32)state | VIC_NOTE_ESTABLISHED);
  if (__sync_val_compare_and_swap(&note->state, state, next) != state) return 0;
  vic_count_established((__u32)state & VIC_NOTE_ELEMENT_MASK, vic_handshake_ns(tcp, state));
  if (vic_is_subflow(tcp)) vic_end_note(note, cookie);
  return 0;
}

/* What an error says of the endpoint: enum vic_suspicion; -1 = nothing. */
static __always_inline int vic_suspicion_of(int error) {
  switch (error) {
    case ECONNREFUSED:
      return VIC_SUSPECTED_REFUSED;
    case ETIMEDOUT:
      return VIC_SUSPECTED_TIMED_OUT;
    case EHOSTUNREACH:
    case ENETUNREACH:
    case EHOSTDOWN:
    case ENONET:
    case ENOPROTOOPT:
      return VIC_SUSPECTED_UNREACHABLE;
    default:
      return -1;
  }
}

/* A reset that came from the other side, soon and before anything else: a socket that is
 * disconnected by its application has the same error, but is not shut down. */
static __always_inline int vic_is_early_reset(struct sock* socket, __u64 state) {
  if (socket->sk_err != ECONNRESET || socket->sk_shutdown == 0) return 0;
  if (vic_since(state) > VIC_EARLY_MS * 1000000ULL) return 0;
  const struct tcp_sock* tcp = bpf_skc_to_tcp_sock(socket);
  return tcp && tcp->bytes_received == 0;
}

static __always_inline void vic_judge_established(struct sock* socket, __u64 state) {
  if (!vic_is_early_reset(socket, state)) return;
  struct vic_watched* watched = vic_watched_at((__u32)state & VIC_NOTE_ELEMENT_MASK);
  if (watched) __sync_fetch_and_add(&watched->reset_early, 1);
}

/* Disconnected by its application while it waited: see vic_release_note. */
static __always_inline int vic_gave_up(int error, __u64 state) {
  return error == ECONNRESET && vic_since(state) >= VIC_FIRST_RETRY_MS * 1000000ULL;
}

static __always_inline void vic_judge_connecting(struct sock* socket, __u64 state) {
  int suspicion = vic_suspicion_of(socket->sk_err);
  if (suspicion < 0 && vic_gave_up(socket->sk_err, state)) suspicion = VIC_SUSPECTED_TIMED_OUT;
  if (suspicion >= 0) vic_failed((__u32)state & VIC_NOTE_ELEMENT_MASK, suspicion);
}

/* An error is reported when the connection is over, or, of one that is connecting, about to be. An
 * established one may go on. */
static __always_inline void vic_tcp_error(struct sock* socket) {
  const __u64 cookie = bpf_get_socket_cookie(socket);
  struct vic_note* note = vic_note_of(cookie);
  if (!note) return;
  const __u32 tcp_state = socket->__sk_common.skc_state;
  if (tcp_state != BPF_TCP_CLOSE && tcp_state != BPF_TCP_SYN_SENT) return;
  const __u64 state = vic_end_note(note, cookie);
  if (state == 0 || !vic_note_fits(socket, state)) return;
  if (state & VIC_NOTE_ESTABLISHED)
    vic_judge_established(socket, state);
  else
    vic_judge_connecting(socket, state);
}

/* Of a connected socket: ICMP says the endpoint is not there. */
static __always_inline void vic_udp_error(struct sock* socket) {
  const struct vic_origin* origin = vic_origin_of(bpf_get_socket_cookie(socket));
  if (!origin || !(origin->active & VIC_ENDPOINT_WATCHED)) return;
  const int suspicion = vic_suspicion_of(socket->sk_err);
  if (suspicion >= 0) vic_failed(origin->active & ~VIC_ENDPOINT_WATCHED, suspicion);
}

static __always_inline int vic_heed_error(struct sock* socket) {
  if (socket->sk_err == 0) return 0;
  if (socket->sk_protocol == IPPROTO_TCP) vic_tcp_error(socket);
  if (socket->sk_protocol == IPPROTO_UDP) vic_udp_error(socket);
  return 0;
}

#endif /* VICINITY_OUTCOME_H_ */
