/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* A connect() of either protocol. */
#ifndef VICINITY_CONNECT_H_
#define VICINITY_CONNECT_H_

#include "tcp.h"
#include "udp.h"

/* Ping sockets run the same hooks. */
static __always_inline int vic_is_balanced(__u32 protocol) {
  return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP;
}

static __always_inline enum vic_outcome vic_connect(struct bpf_sock_addr* ctx,
                                                    union vic_destination* at,
                                                    const enum vic_family family) {
  if (ctx->protocol == IPPROTO_TCP) return vic_balance_tcp(ctx, at, family);
  return vic_balance_udp(ctx, at, family, VIC_ASK_CONNECT);
}

/* Sockets of which sock_release has something to do. */
static __always_inline int vic_may_be_remembered(__u32 protocol) {
  return protocol == IPPROTO_UDP || ((vic_record_tcp || vic_watching) && protocol == IPPROTO_TCP);
}

/* Sockets that may have an origin record. */
static __always_inline int vic_may_have_origin(__u32 protocol) {
  return protocol == IPPROTO_UDP || (vic_record_tcp && protocol == IPPROTO_TCP);
}

#endif /* VICINITY_CONNECT_H_ */
