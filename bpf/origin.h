/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The origin record: what a socket asked for and what it got, by socket cookie. Everything that
 * must know a socket's service after connect() builds on it: replies and getpeername (peer.h),
 * sticky UDP (udp.h), termination (the daemon), and whoever counts or times connections by
 * endpoint.
 *
 * Who may rely on what:
 *   - a record exists for a UDP socket that was translated, and for a TCP socket only while
 *     vic_record_tcp is frozen to 1; MPTCP keeps it on the application's socket (mptcp.h);
 *   - it describes the last successful translation. connect() on a socket that is not translated
 *     drops it, but AF_UNSPEC, a reset and a failed connect() fire no hook: compare the backend
 * with the address that the socket shows before believing it;
 *   - sock_release drops it, always before the cookie could mean another socket (it never does);
 *   - a record is replaced as a whole (readers hold the old one until they end); in place only
 *     `flags` changes, by atomic operations, and `active` and `started_at`, which belong to whoever
 *     sets VIC_ORIGIN_COUNTED: one writer, the socket's own sockops callbacks.
 */
#ifndef VICINITY_ORIGIN_H_
#define VICINITY_ORIGIN_H_

#include "addr.h"
#include "maps.h"

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __uint(max_entries, VIC_MAX_ORIGINS);
  __type(key, __u64);
  __type(value, struct vic_origin);
} vic_origins SEC(".maps");

/* A destination as a record has it. */
static __always_inline struct vic_endpoint vic_endpoint_at(const union vic_destination* at,
                                                           const enum vic_family family,
                                                           __u32 protocol) {
  struct vic_endpoint endpoint = {.address_be = {at->v6.address_be[0]},
                                  .port_be = vic_port_be(at, family),
                                  .family = (__u8)family,
                                  .protocol = (__u8)protocol};
  if (family == VIC_FAMILY_IPV4) return endpoint;
  endpoint.address_be[1] = at->v6.address_be[1];
  endpoint.address_be[2] = at->v6.address_be[2];
  endpoint.address_be[3] = at->v6.address_be[3];
  return endpoint;
}

static __always_inline union vic_destination vic_destination_of(const struct vic_endpoint* endpoint,
                                                                const enum vic_family family) {
  if (family == VIC_FAMILY_IPV4)
    return vic_destination4(endpoint->address_be[0], endpoint->port_be);
  return (union vic_destination){
      .v6 = {.address_be = {endpoint->address_be[0], endpoint->address_be[1],
                            endpoint->address_be[2], endpoint->address_be[3]},
             .port_be = endpoint->port_be}};
}

static __always_inline int vic_is_same(const struct vic_endpoint* a, const struct vic_endpoint* b) {
  const __u32* left = (const __u32*)a;
  const __u32* right = (const __u32*)b;
  __u32 difference = 0;
#pragma unroll
  for (__u32 i = 0; i < sizeof(*a) / sizeof(*left); i++) difference |= left[i] ^ right[i];
  return difference == 0;
}

static __always_inline struct vic_origin* vic_origin_of(__u64 cookie) {
  return bpf_map_lookup_elem(&vic_origins, &cookie);
}

/* `how`: BPF_ANY, or BPF_NOEXIST. 0, or an error: there is one already, or no room. */
static __always_inline long vic_record_origin(__u64 cookie, const struct vic_origin* origin,
                                              __u64 how) {
  return bpf_map_update_elem(&vic_origins, &cookie, origin, how);
}

/* Looks first: most sockets have none, and a delete takes the bucket's lock. */
static __always_inline void vic_drop_origin(__u64 cookie) {
  if (vic_origin_of(cookie)) bpf_map_delete_elem(&vic_origins, &cookie);
}

#endif /* VICINITY_ORIGIN_H_ */
