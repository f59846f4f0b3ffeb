/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Who connects, as a hash that stays the same for the client's connections: of the address that the
 * socket is bound to; while it is not bound, of the address of the pod whose network namespace it
 * is in; of the namespace where no pod is known.
 */
#ifndef VICINITY_CLIENT_H_
#define VICINITY_CLIENT_H_

#include "addr.h"
#include "lookup.h"
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

/* Of a pod that is known by the address of its family; 0 = it is not. Copied before the cookie is
 * compared: an element that changed hands says so by it. */
static __always_inline __u64 vic_pod_hash4(const struct vic_pod* pod, __u64 cookie) {
  if (!(VIC_LOAD(pod->flags) & VIC_POD_ADDRESS4)) return 0;
  const __u32 address_be = VIC_LOAD(pod->address4_be);
  return VIC_LOAD(pod->netns_cookie) == cookie ? vic_hash_source4(address_be) : 0;
}

static __always_inline __u64 vic_pod_hash6(const struct vic_pod* pod, __u64 cookie) {
  if (!(VIC_LOAD(pod->flags) & VIC_POD_ADDRESS6)) return 0;
  const struct vic_source6 source = {
      .address_be = {VIC_LOAD(pod->address6_be[0]), VIC_LOAD(pod->address6_be[1]),
                     VIC_LOAD(pod->address6_be[2]), VIC_LOAD(pod->address6_be[3])}};
  return VIC_LOAD(pod->netns_cookie) == cookie ? vic_hash_source6(&source) : 0;
}

VIC_VERIFIED_ONCE __u64 vic_namespace_hash(__u64 cookie, __u32 family) {
  const struct vic_pod* pod = bpf_map_lookup_elem(&vic_pods, &cookie);
  __u64 hash = 0;
  if (pod)
    hash = family == VIC_FAMILY_IPV4 ? vic_pod_hash4(pod, cookie) : vic_pod_hash6(pod, cookie);
  return hash ? hash : vic_hash(&cookie, 1);
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
  return vic_namespace_hash(bpf_get_netns_cookie(ctx), family);
}

#endif /* VICINITY_CLIENT_H_ */
