/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Who connects, as a hash that stays the same for the client's connections: of the address that the
 * socket is bound to; of its network namespace, which is a pod's, while it is not bound.
 */
#ifndef VICINITY_CLIENT_H_
#define VICINITY_CLIENT_H_

#include "addr.h"
#include "maps.h"
#include "once.h"
#include "source_hash.h"

VIC_VERIFIED_ONCE __u64 vic_hash_source4(__u32 address_be) {
  return vic_hash_ipv4((const __u8*)&address_be);
}

struct vic_source6 {
  __u32 address_be[4];
};

VIC_VERIFIED_ONCE __u64 vic_hash_source6(const struct vic_source6* source) {
  return source ? vic_hash_ipv6((const __u8*)source->address_be) : 0;
}

static __always_inline __u64 vic_namespace_hash(struct bpf_sock_addr* ctx) {
  const __u64 cookie = bpf_get_netns_cookie(ctx);
  return vic_hash(&cookie, 1);
}

static __always_inline __u64 vic_client_hash(struct bpf_sock_addr* ctx,
                                             const enum vic_family family) {
  const struct bpf_sock* socket = ctx->sk;
  if (socket && family == VIC_FAMILY_IPV4 && socket->src_ip4) {
    return vic_hash_source4(socket->src_ip4);
  }
  if (socket && family == VIC_FAMILY_IPV6) {
    const struct vic_source6 source = {.address_be = {socket->src_ip6[0], socket->src_ip6[1],
                                                      socket->src_ip6[2], socket->src_ip6[3]}};
    if (source.address_be[0] | source.address_be[1] | source.address_be[2] | source.address_be[3])
      return vic_hash_source6(&source);
  }
  return vic_namespace_hash(ctx);
}

#endif /* VICINITY_CLIENT_H_ */
