/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Closing connected sockets whose endpoint is gone: the daemon names them in vic_doomed and runs
 * these iterators in each network namespace. Only loaded where the kernel has bpf_sock_destroy
 * (6.5): weak, so that the object loads without.
 */
#ifndef VICINITY_DESTROY_H_
#define VICINITY_DESTROY_H_

#include "kernel_socket.h"
#include "origin.h"

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __uint(max_entries, VIC_MAX_DOOMED);
  __type(key, __u64);
  __type(value, struct vic_doom);
} vic_doomed SEC(".maps");

struct udp_sock;

struct bpf_iter__tcp {
  struct sock_common* sk_common;
} __attribute__((preserve_access_index));

struct bpf_iter__udp {
  struct udp_sock* udp_sk;
} __attribute__((preserve_access_index));

extern int bpf_sock_destroy(struct sock_common* socket) __ksym __weak;

/* A v4-mapped peer is there as IPv4 too. */
static __always_inline int vic_peer_is(const struct sock_common* socket,
                                       const struct vic_endpoint* backend) {
  if (socket->skc_dport != backend->port_be) return 0;
  if (backend->family == VIC_FAMILY_IPV4) return socket->skc_daddr == backend->address_be[0];
  return socket->skc_v6_daddr.words[0] == backend->address_be[0] &&
         socket->skc_v6_daddr.words[1] == backend->address_be[1] &&
         socket->skc_v6_daddr.words[2] == backend->address_be[2] &&
         socket->skc_v6_daddr.words[3] == backend->address_be[3];
}

/* By its cookie, and only while it is connected to what it is to be closed for. */
static __always_inline int vic_destroy(struct sock_common* socket) {
  if (!socket || !bpf_sock_destroy) return 0;
  const __u64 cookie = bpf_get_socket_cookie(socket);
  struct vic_doom* doom = bpf_map_lookup_elem(&vic_doomed, &cookie);
  if (!doom || !vic_peer_is(socket, &doom->backend)) return 0;
  if (bpf_sock_destroy(socket) == 0) doom->destroyed = 1;
  return 0;
}

#endif /* VICINITY_DESTROY_H_ */
