/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * UDP: connect() and sendto() to a service, and the source of its replies. A socket keeps its
 * endpoint of a service until that endpoint is gone, so most datagrams need a record and no table.
 * Without a record a reply would come from somewhere the application never spoke to: where there is
 * no room for one, the socket is left alone.
 */
#ifndef VICINITY_UDP_H_
#define VICINITY_UDP_H_

#include <linux/in.h>

#include "flow.h"
#include "pairs.h"
#include "trace.h"

/* How the socket asks. */
enum vic_ask {
  VIC_ASK_CONNECT,
  VIC_ASK_SEND,
};

struct vic_asker {
  __u64 cookie;
  __u64 netns_cookie;
  enum vic_ask ask;
  __u32 connected; /* to anybody, at this moment */
};

static __always_inline int vic_has_peer(struct bpf_sock_addr* ctx) {
  struct bpf_sock* socket = ctx->sk;
  return socket && socket->dst_port != 0;
}

/*
 * Is the datagram for the peer that the socket is connected to? Then connect() has said all there
 * is to say. IPv6 sockets with a v4-mapped peer run sendmsg4 for a plain send() too.
 */
static __always_inline int vic_is_to_peer4(struct bpf_sock_addr* ctx) {
  struct bpf_sock* socket = ctx->sk;
  return socket && socket->dst_ip4 == ctx->user_ip4 && socket->dst_port == (__u16)ctx->user_port;
}

/* Does what the socket got for this service still stand? A connected socket's peer does not change
 * under it, even when that is gone. */
static __always_inline int vic_stands(__u32 flags, const struct vic_asker* asker) {
  if (!(flags & VIC_ORIGIN_GONE)) return 1;
  return asker->ask == VIC_ASK_SEND && asker->connected && flags & VIC_ORIGIN_CONNECTED;
}

static __always_inline struct vic_origin vic_make_origin(const struct vic_pair* pair,
                                                         const struct vic_asker* asker) {
  return (struct vic_origin){.service = pair->service,
                             .backend = pair->backend,
                             .flags = asker->ask == VIC_ASK_CONNECT ? VIC_ORIGIN_CONNECTED : 0,
                             .active = pair->active,
                             .netns_cookie = asker->netns_cookie};
}

/* An unconnected socket that connects still has its other services. */
static __always_inline int vic_remember_connect(const struct vic_asker* asker,
                                                const struct vic_pair* pair) {
  const struct vic_origin* old = vic_origin_of(asker->cookie);
  if (old && !(old->flags & VIC_ORIGIN_CONNECTED) && !vic_is_same(&old->service, &pair->service)) {
    struct vic_pair kept = {.service = old->service,
                            .backend = old->backend,
                            .flags = old->flags,
                            .active = old->active};
    vic_add_pair(asker->cookie, &kept);
  }
  const struct vic_origin origin = vic_make_origin(pair, asker);
  return vic_record_origin(asker->cookie, &origin, BPF_ANY) == 0;
}

/* The first service of a socket is in its record, the others are pairs. */
static __always_inline int vic_remember_send(const struct vic_asker* asker, struct vic_pair* pair) {
  const struct vic_origin origin = vic_make_origin(pair, asker);
  if (vic_record_origin(asker->cookie, &origin, BPF_NOEXIST) == 0) return 1;
  const struct vic_origin* old = vic_origin_of(asker->cookie);
  if (!old) return 0;
  if (!vic_is_same(&old->service, &pair->service)) return vic_add_pair(asker->cookie, pair);
  if (old->flags & VIC_ORIGIN_GONE) return vic_record_origin(asker->cookie, &origin, BPF_ANY) == 0;
  pair->backend = old->backend; /* another thread of this socket was faster */
  return 1;
}

/* 0: no room. pair->backend may be another's choice now. */
VIC_VERIFIED_ONCE int vic_remember(const struct vic_asker* asker, struct vic_pair* pair) {
  if (!asker || !pair) return 0;
  return asker->ask == VIC_ASK_CONNECT ? vic_remember_connect(asker, pair)
                                       : vic_remember_send(asker, pair);
}

/* What the socket got when it asked for pair->service before; 0: it did not, or that is gone. */
VIC_VERIFIED_ONCE int vic_recall(const struct vic_asker* asker, struct vic_pair* pair) {
  if (!asker || !pair) return 0;
  struct vic_origin* origin = vic_origin_of(asker->cookie);
  if (!origin) return 0;
  if (vic_is_same(&origin->service, &pair->service)) {
    if (!vic_stands(origin->flags, asker)) return 0;
    pair->backend = origin->backend;
    if (asker->ask == VIC_ASK_CONNECT) __sync_fetch_and_or(&origin->flags, VIC_ORIGIN_CONNECTED);
    return 1;
  }
  const struct vic_pair* kept = vic_pair_to(asker->cookie, &pair->service);
  if (!kept || kept->flags & VIC_ORIGIN_GONE) return 0;
  pair->backend = kept->backend;
  pair->active = kept->active;
  return asker->ask == VIC_ASK_SEND || vic_remember_connect(asker, pair);
}

static __always_inline struct vic_asker vic_asker_of(struct bpf_sock_addr* ctx, __u32 ask) {
  return (struct vic_asker){.cookie = bpf_get_socket_cookie(ctx),
                            .netns_cookie = bpf_get_netns_cookie(ctx),
                            .ask = ask,
                            .connected = vic_has_peer(ctx)};
}

/* `at` becomes what the socket keeps for it; VIC_OUTCOME_COUNT: nothing, a choice is to be made. */
static __always_inline enum vic_outcome vic_repeat(struct bpf_sock_addr* ctx,
                                                   union vic_destination* at, __u32 ask,
                                                   const enum vic_family family) {
  const struct vic_config* config = vic_config_of(family);
  if (!config) return VIC_OUTCOME_INTERNAL_ERROR;
  if (!vic_hints_if_covered(config, at, family) && !vic_has_ranges(config))
    return VIC_OUTCOME_NOT_A_SERVICE;
  if (!vic_has_lease(config)) return VIC_OUTCOME_LEASE_EXPIRED;
  const struct vic_asker asker = vic_asker_of(ctx, ask);
  struct vic_pair pair = {.service = vic_endpoint_at(at, family, IPPROTO_UDP)};
  if (!vic_recall(&asker, &pair)) return VIC_OUTCOME_COUNT;
  *at = vic_destination_of(&pair.backend, family);
  return VIC_OUTCOME_TRANSLATED;
}

VIC_VERIFIED_ONCE int vic_repeat4(struct bpf_sock_addr* ctx, union vic_destination* at, __u32 ask) {
  return at ? vic_repeat(ctx, at, ask, VIC_FAMILY_IPV4) : VIC_OUTCOME_INTERNAL_ERROR;
}

VIC_VERIFIED_ONCE int vic_repeat6(struct bpf_sock_addr* ctx, union vic_destination* at, __u32 ask) {
  return at ? vic_repeat(ctx, at, ask, VIC_FAMILY_IPV6) : VIC_OUTCOME_INTERNAL_ERROR;
}

/* The socket keeps the endpoint `at` for `service`, or `at` becomes what another of its threads got
 * first. */
static __always_inline enum vic_outcome vic_keep_for(const struct vic_asker* asker,
                                                     const union vic_destination* service,
                                                     union vic_destination* at,
                                                     const enum vic_family family) {
  struct vic_pair pair = {.service = vic_endpoint_at(service, family, IPPROTO_UDP),
                          .backend = vic_endpoint_at(at, family, IPPROTO_UDP),
                          .active = at->v6.reserved}; /* see vic_watch */
  if (!vic_remember(asker, &pair)) {
    *at = *service;
    return VIC_OUTCOME_UNRECORDED;
  }
  *at = vic_destination_of(&pair.backend, family);
  return VIC_OUTCOME_TRANSLATED;
}

VIC_VERIFIED_ONCE int vic_keep_for4(const struct vic_asker* asker,
                                    const union vic_destination* service,
                                    union vic_destination* at) {
  if (!asker || !service || !at) return VIC_OUTCOME_INTERNAL_ERROR;
  return vic_keep_for(asker, service, at, VIC_FAMILY_IPV4);
}

VIC_VERIFIED_ONCE int vic_keep_for6(const struct vic_asker* asker,
                                    const union vic_destination* service,
                                    union vic_destination* at) {
  if (!asker || !service || !at) return VIC_OUTCOME_INTERNAL_ERROR;
  return vic_keep_for(asker, service, at, VIC_FAMILY_IPV6);
}

static __always_inline enum vic_outcome vic_choose_for(struct bpf_sock_addr* ctx,
                                                       union vic_destination* at, __u32 ask,
                                                       const enum vic_family family) {
  const union vic_destination service = *at;
  const enum vic_outcome outcome = vic_balance_any(ctx, at, family) & VIC_BALANCED_OUTCOME;
  if (outcome != VIC_OUTCOME_TRANSLATED) return outcome;
  const struct vic_asker asker = vic_asker_of(ctx, ask);
  return family == VIC_FAMILY_IPV4 ? vic_keep_for4(&asker, &service, at)
                                   : vic_keep_for6(&asker, &service, at);
}

/* A datagram to no service is none. */
static __always_inline int vic_is_choice(enum vic_outcome outcome, const enum vic_ask ask) {
  return ask == VIC_ASK_CONNECT || outcome != VIC_OUTCOME_NOT_A_SERVICE;
}

static __always_inline enum vic_outcome vic_balance_udp(struct bpf_sock_addr* ctx,
                                                        union vic_destination* at,
                                                        const enum vic_family family,
                                                        const enum vic_ask ask) {
  const union vic_destination service = *at;
  enum vic_outcome outcome =
      family == VIC_FAMILY_IPV4 ? vic_repeat4(ctx, at, ask) : vic_repeat6(ctx, at, ask);
  const int kept = outcome == VIC_OUTCOME_TRANSLATED;
  if (outcome == VIC_OUTCOME_COUNT) outcome = vic_choose_for(ctx, at, ask, family);
  if (!kept && vic_is_choice(outcome, ask) && vic_is_traced(family))
    vic_trace_choice(ctx, &service, at,
                     vic_told(outcome, family, ask == VIC_ASK_SEND ? VIC_TRACE_SEND : 0));
  /* What it was connected to before, it is not any more. */
  if (ask == VIC_ASK_CONNECT && outcome != VIC_OUTCOME_TRANSLATED)
    vic_drop_origin(bpf_get_socket_cookie(ctx));
  return outcome;
}

/* A datagram that is none of ours is not worth a count. */
static __always_inline int vic_conclude_send(enum vic_outcome outcome, const enum vic_hook hook) {
  if (outcome != VIC_OUTCOME_NOT_A_SERVICE) return vic_conclude(outcome, hook);
  /* clang 19 would return the outcome, the same number, in a register that the verifier knows half
   * of (6.18). */
  int verdict = VIC_PROCEED;
  asm volatile("" : "+r"(verdict));
  return verdict;
}

#endif /* VICINITY_UDP_H_ */
