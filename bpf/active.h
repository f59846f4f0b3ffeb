/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Active connections of an endpoint, for least request: +1 when a socket that was sent to it begins
 * to connect, -1 when that connection is over, whatever ended it. The kernel runs exactly one CLOSE
 * for each TCP_CONNECT_CB (6.1 to 6.18), so the counts end at what is open; a socket remembers
 * itself whether it was counted, and forgets when it is freed.
 */
#ifndef VICINITY_ACTIVE_H_
#define VICINITY_ACTIVE_H_

#include "addr.h"
#include "maps.h"
#include "suspects.h"

enum { VIC_AF_INET = 2 };

/* Of a count that is on its way below zero, as none ever should be, nothing is believed. */
static __always_inline __u32 vic_active_at(__u32 endpoint) {
  const __u64* count;
  if (vic_watching && endpoint & VIC_ENDPOINT_WATCHED)
    count = (const __u64*)vic_watched_at(endpoint & ~VIC_ENDPOINT_WATCHED); /* the first word */
  else
    count = bpf_map_lookup_elem(&vic_active, &endpoint);
  const __u64 active = count ? *(const volatile __u64*)count : 0;
  return active >> 31 ? 0 : (__u32)active;
}

static __always_inline void vic_add_active(__u32 endpoint, __u64 by) {
  __u64* count = bpf_map_lookup_elem(&vic_active, &endpoint);
  if (count) __sync_fetch_and_add(count, by);
}

/* The hook's choice, kept for the callbacks: they see nothing but the socket. */
static __always_inline void vic_note_endpoint(struct bpf_sock_addr* ctx, __u32 endpoint,
                                              const union vic_destination* to,
                                              const enum vic_family family) {
  if (ctx->protocol != IPPROTO_TCP || !ctx->sk) return;
  struct vic_counted* counted =
      bpf_sk_storage_get(&vic_counted, ctx->sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
  if (!counted) return;
  counted->noted = endpoint;
  counted->port_be = vic_port_be(to, family);
  counted->address_be = family == VIC_FAMILY_IPV4 ? to->v4.address_be : to->v6.address_be[3];
}

/* A connect that failed before it began leaves its note behind: the next one may go elsewhere. */
static __always_inline int vic_is_noted(struct bpf_sock_ops* ctx,
                                        const struct vic_counted* counted) {
  __u32 address_be = ctx->remote_ip6[3];
  asm volatile("" : "+r"(address_be)); /* two loads, not one of a computed place */
  if (ctx->family == VIC_AF_INET) address_be = ctx->remote_ip4;
  return counted->noted != 0 && counted->address_be == address_be &&
         bpf_ntohl(ctx->remote_port) == bpf_ntohs(counted->port_be);
}

static __always_inline struct vic_counted* vic_counted_of(struct bpf_sock_ops* ctx) {
  struct bpf_sock* socket = ctx->sk;
  return socket ? bpf_sk_storage_get(&vic_counted, socket, 0, 0) : 0;
}

static __always_inline void vic_count_begin(struct bpf_sock_ops* ctx) {
  struct vic_counted* counted = vic_counted_of(ctx);
  if (!counted || counted->active != 0 || !vic_is_noted(ctx, counted)) return;
  if (bpf_sock_ops_cb_flags_set(ctx, ctx->bpf_sock_ops_cb_flags | BPF_SOCK_OPS_STATE_CB_FLAG))
    return;
  counted->active = counted->noted;
  counted->noted = 0;
  vic_add_active(counted->active, 1);
}

static __always_inline void vic_count_end(struct bpf_sock_ops* ctx) {
  struct vic_counted* counted = vic_counted_of(ctx);
  if (!counted || counted->active == 0) return;
  vic_add_active(counted->active, (__u64)-1);
  counted->active = 0;
}

#endif /* VICINITY_ACTIVE_H_ */
