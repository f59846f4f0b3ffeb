/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * MPTCP: connect() runs on a subflow, which has a cookie of its own and no sock_release, and
 * everything else on the application's socket. So its record is kept in that socket's storage,
 * which goes away with it.
 */
#ifndef VICINITY_MPTCP_H_
#define VICINITY_MPTCP_H_

#include <linux/in.h>

#include "origin.h"

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

/* Known to the verifier by name only. */
struct mptcp_sock {
  int known_by_name_only;
} __attribute__((preserve_access_index));

struct {
  __uint(type, BPF_MAP_TYPE_SK_STORAGE);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, int);
  __type(value, struct vic_origin);
} vic_mptcp_origins SEC(".maps");

/* The record of the socket that a getpeername() is about. */
static __always_inline const struct vic_origin* vic_origin_of_socket(struct bpf_sock_addr* ctx) {
  if (ctx->protocol != IPPROTO_MPTCP) return vic_origin_of(bpf_get_socket_cookie(ctx));
  struct bpf_sock* socket = ctx->sk;
  return socket ? bpf_sk_storage_get(&vic_mptcp_origins, socket, 0, 0) : 0;
}

/* 1: the connecting socket is a subflow, and its application's socket has the record. */
static __always_inline int vic_record_mptcp(struct bpf_sock_addr* ctx,
                                            const struct vic_origin* origin) {
  struct bpf_sock* socket = ctx->sk;
  struct mptcp_sock* application = socket && vic_mptcp ? bpf_skc_to_mptcp_sock(socket) : 0;
  if (!application) return 0;
  struct vic_origin* kept =
      bpf_sk_storage_get(&vic_mptcp_origins, application, 0, BPF_SK_STORAGE_GET_F_CREATE);
  if (kept) *kept = *origin;
  return 1;
}

#endif /* VICINITY_MPTCP_H_ */
