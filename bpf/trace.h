/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What became of each connect, told to the daemon for as long as somebody watches. While nobody
 * does, a hook pays for one bit of the line that it has read anyway. No event wakes the daemon: it
 * looks when it wants to.
 */
#ifndef VICINITY_TRACE_H_
#define VICINITY_TRACE_H_

#include "active.h"
#include "kernel_socket.h"
#include "lookup.h"
#include "once.h"
#include "origin.h"

struct {
  __uint(type, BPF_MAP_TYPE_RINGBUF);
  __uint(max_entries, VIC_TRACE_BYTES);
} vic_traces SEC(".maps");

VIC_MAPPED_ARRAY(vic_trace_state, struct vic_trace_state, 1);

static __always_inline int vic_is_traced(const enum vic_family family) {
  const struct vic_config* config = vic_config_of(family);
  return config && VIC_LOAD(config->flags) & VIC_CONFIG_TRACE;
}

/* Not inlined, so that the object's BTF describes the event. */
static __noinline int vic_start_trace(struct vic_trace* trace) {
  __builtin_memset(trace, 0, sizeof(*trace));
  trace->at = bpf_ktime_get_ns();
  return 0;
}

/* The daemon that set the flag may have died since. */
static __always_inline struct vic_trace* vic_begin_trace(void) {
  const __u32 only = 0;
  struct vic_trace_state* state = bpf_map_lookup_elem(&vic_trace_state, &only);
  if (!state || bpf_ktime_get_coarse_ns() >= VIC_LOAD(state->until)) return 0;
  struct vic_trace* trace = bpf_ringbuf_reserve(&vic_traces, sizeof(*trace), 0);
  if (!trace) {
    __sync_fetch_and_add(&state->lost, 1);
    return 0;
  }
  vic_start_trace(trace);
  return trace;
}

/* `told` is vic_told()'s. */
VIC_VERIFIED_ONCE int vic_trace_choice(struct bpf_sock_addr* ctx,
                                       const union vic_destination* asked,
                                       const union vic_destination* chosen, __u32 told) {
  if (!asked || !chosen) return 0;
  const __u32 outcome = told & 0xff;
  const __u32 flags = told >> 16;
  struct vic_trace* trace = vic_begin_trace();
  if (!trace) return 0;
  trace->kind = VIC_TRACE_CHOICE;
  trace->result = outcome;
  trace->flags = flags;
  trace->cookie = bpf_get_socket_cookie(ctx);
  trace->netns_cookie = bpf_get_netns_cookie(ctx);
  trace->pid = bpf_get_current_pid_tgid() >> 32;
  bpf_get_current_comm(trace->command, sizeof(trace->command));
  if ((told >> 8 & 0xff) == VIC_FAMILY_IPV4) {
    trace->asked = vic_endpoint_at(asked, VIC_FAMILY_IPV4, ctx->protocol);
    if (outcome == VIC_OUTCOME_TRANSLATED)
      trace->chosen = vic_endpoint_at(chosen, VIC_FAMILY_IPV4, ctx->protocol);
    if (ctx->family != VIC_AF_INET) trace->flags |= VIC_TRACE_MAPPED;
  } else {
    trace->asked = vic_endpoint_at(asked, VIC_FAMILY_IPV6, ctx->protocol);
    if (outcome == VIC_OUTCOME_TRANSLATED)
      trace->chosen = vic_endpoint_at(chosen, VIC_FAMILY_IPV6, ctx->protocol);
  }
  bpf_ringbuf_submit(trace, BPF_RB_NO_WAKEUP);
  return 0;
}

static __always_inline __u32 vic_told(enum vic_outcome outcome, const enum vic_family family,
                                      __u32 flags) {
  return outcome | family << 8 | flags << 16;
}

static __always_inline void vic_trace_end(struct bpf_sock_ops* ctx, __u32 kind, __u32 result) {
  struct vic_trace* trace = vic_begin_trace();
  if (!trace) return;
  trace->kind = kind;
  trace->result = result;
  trace->cookie = bpf_get_socket_cookie(ctx);
  bpf_ringbuf_submit(trace, BPF_RB_NO_WAKEUP);
}

/* Set before the state changes, whatever ended the attempt: a reset, a timeout, an ICMP error. */
static __always_inline __u32 vic_socket_error(struct bpf_sock_ops* ctx) {
  struct bpf_sock* socket = ctx->sk;
  const struct sock* sock = socket ? (const struct sock*)bpf_skc_to_tcp_sock(socket) : 0;
  return sock ? (__u32)sock->sk_err : 0;
}

/* The callbacks of one socket that connects. Passive ones run through here too, and tell nothing.
 */
static __always_inline void vic_trace_socket(struct bpf_sock_ops* ctx) {
  if (ctx->op == BPF_SOCK_OPS_TCP_CONNECT_CB)
    bpf_sock_ops_cb_flags_set(ctx, ctx->bpf_sock_ops_cb_flags | BPF_SOCK_OPS_STATE_CB_FLAG);
  else if (ctx->op == BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB)
    vic_trace_end(ctx, VIC_TRACE_ESTABLISHED, 0);
  else if (ctx->op == BPF_SOCK_OPS_STATE_CB && ctx->args[0] == BPF_TCP_SYN_SENT &&
           ctx->args[1] == BPF_TCP_CLOSE)
    vic_trace_end(ctx, VIC_TRACE_FAILED, vic_socket_error(ctx));
}

#endif /* VICINITY_TRACE_H_ */
