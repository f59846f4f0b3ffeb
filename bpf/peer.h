/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Who a socket believes to be talking to: the source of received datagrams, and getpeername(). Both
 * show the service where the kernel has the endpoint.
 */
#ifndef VICINITY_PEER_H_
#define VICINITY_PEER_H_

#include <linux/in.h>

#include "mptcp.h"
#include "pairs.h"

/* Is getpeername() of such sockets answered with the service? Frozen. */
static __always_inline int vic_shows_service(__u32 protocol) {
  if (protocol == IPPROTO_UDP) return vic_peer_names & VIC_PEER_NAMES_UDP;
  return vic_peer_names & VIC_PEER_NAMES_TCP;
}

/* The service behind the endpoint that a datagram came from; 0: it is what it seems. */
static __always_inline const struct vic_endpoint* vic_sender_of(__u64 cookie,
                                                                const struct vic_endpoint* from) {
  const struct vic_origin* origin = vic_origin_of(cookie);
  if (!origin) return 0;
  if (vic_is_same(&origin->backend, from)) return &origin->service;
  const struct vic_pair* pair = vic_pair_from(cookie, from);
  return pair ? &pair->service : 0;
}

/* `at`, from whom something was received, becomes who was asked. 1: it did. */
static __always_inline int vic_restore_sender(struct bpf_sock_addr* ctx, union vic_destination* at,
                                              const enum vic_family family) {
  if (ctx->protocol != IPPROTO_UDP) return 0;
  const struct vic_endpoint from = vic_endpoint_at(at, family, IPPROTO_UDP);
  const struct vic_endpoint* service = vic_sender_of(bpf_get_socket_cookie(ctx), &from);
  if (!service) return 0;
  *at = vic_destination_of(service, family);
  return 1;
}

/* `at`, to whom the socket is connected, becomes whom it asked for. The record may be an older
 * connection's, so it must name this peer. 1: it did. */
static __always_inline int vic_restore_peer(struct bpf_sock_addr* ctx, union vic_destination* at,
                                            const enum vic_family family) {
  if (!vic_shows_service(ctx->protocol)) return 0;
  const struct vic_origin* origin = vic_origin_of_socket(ctx);
  if (!origin || !(origin->flags & VIC_ORIGIN_CONNECTED)) return 0;
  const __u32 protocol = ctx->protocol == IPPROTO_UDP ? IPPROTO_UDP : IPPROTO_TCP;
  const struct vic_endpoint peer = vic_endpoint_at(at, family, protocol);
  if (!vic_is_same(&origin->backend, &peer)) return 0;
  *at = vic_destination_of(&origin->service, family);
  return 1;
}

#endif /* VICINITY_PEER_H_ */
