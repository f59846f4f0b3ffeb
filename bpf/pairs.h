/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What an unconnected socket keeps beside its origin record: the second and further services it
 * sends to. Most sockets never come here.
 */
#ifndef VICINITY_PAIRS_H_
#define VICINITY_PAIRS_H_

#include "once.h"
#include "origin.h"

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __uint(max_entries, VIC_MAX_PAIRS);
  __type(key, struct vic_pair_key);
  __type(value, struct vic_pair);
} vic_pairs SEC(".maps");

static __always_inline struct vic_pair* vic_pair_at(__u64 cookie, __u64 id) {
  const struct vic_pair_key key = {.cookie = cookie, .id = id};
  return bpf_map_lookup_elem(&vic_pairs, &key);
}

static __always_inline long vic_put_pair(__u64 cookie, __u64 id, const struct vic_pair* pair,
                                         __u64 how) {
  const struct vic_pair_key key = {.cookie = cookie, .id = id};
  const struct vic_pair value = *pair; /* a map's arguments are on the stack: once.h */
  return bpf_map_update_elem(&vic_pairs, &key, &value, how);
}

static __always_inline void vic_delete_pair(__u64 cookie, __u64 id) {
  const struct vic_pair_key key = {.cookie = cookie, .id = id};
  bpf_map_delete_elem(&vic_pairs, &key);
}

static __always_inline struct vic_pair* vic_pair_to(__u64 cookie,
                                                    const struct vic_endpoint* service) {
  struct vic_pair* pair = vic_pair_at(cookie, vic_pair_id(service, VIC_PAIR_BY_SERVICE));
  return pair && vic_is_same(&pair->service, service) ? pair : 0;
}

static __always_inline const struct vic_pair* vic_pair_from(__u64 cookie,
                                                            const struct vic_endpoint* backend) {
  const struct vic_pair* pair = vic_pair_at(cookie, vic_pair_id(backend, VIC_PAIR_BY_BACKEND));
  return pair && vic_is_same(&pair->backend, backend) ? pair : 0;
}

/* Hooks of several threads on one socket may be here at once: the head is exchanged, not written.
 */
static __always_inline int vic_chain_pair(__u64 cookie, __u64 id, const struct vic_pair* pair) {
  vic_put_pair(cookie, 0, pair,
               BPF_NOEXIST); /* of a head only `next` counts, 0 as in any new pair */
  struct vic_pair* head = vic_pair_at(cookie, 0);
  struct vic_pair* added = vic_pair_at(cookie, id);
  if (!head || !added) return 0;
  added->next = __sync_lock_test_and_set(&head->next, id);
  return 1;
}

/* In the place of one whose backend is gone: the chain stays as it is. */
static __always_inline int vic_replace_pair(__u64 cookie, __u64 id, const struct vic_pair* old,
                                            struct vic_pair* pair) {
  const __u64 back = vic_pair_id(&old->backend, VIC_PAIR_BY_BACKEND);
  pair->next = old->next;
  vic_delete_pair(cookie, back);
  return vic_put_pair(cookie, id, pair, BPF_ANY) == 0;
}

/* The one that is there is good: another thread was faster. */
static __always_inline int vic_take_pair(__u64 cookie, __u64 id, struct vic_pair* pair) {
  const struct vic_pair* there = vic_pair_at(cookie, id);
  if (!there || there->flags & VIC_ORIGIN_GONE) return 0;
  if (!vic_is_same(&there->service, &pair->service)) return 0;
  *pair = *there;
  return 1;
}

static __always_inline int vic_insert_pair(__u64 cookie, __u64 id, const struct vic_pair* pair) {
  if (vic_put_pair(cookie, id, pair, BPF_NOEXIST) != 0) return 0;
  if (vic_chain_pair(cookie, id, pair)) return 1;
  vic_delete_pair(cookie, id);
  return 0;
}

/* 1: pair->service leads to pair->backend from now on, which is another thread's choice if that one
 * was faster. 0: no room. */
VIC_VERIFIED_ONCE int vic_add_pair(__u64 cookie, struct vic_pair* pair) {
  if (!pair) return 0;
  const __u64 id = vic_pair_id(&pair->service, VIC_PAIR_BY_SERVICE);
  if (vic_take_pair(cookie, id, pair)) return 1;
  const struct vic_pair* old = vic_pair_at(cookie, id);
  const int added =
      old ? vic_replace_pair(cookie, id, old, pair) : vic_insert_pair(cookie, id, pair);
  if (!added) return vic_take_pair(cookie, id, pair);
  return vic_put_pair(cookie, vic_pair_id(&pair->backend, VIC_PAIR_BY_BACKEND), pair, BPF_ANY) == 0;
}

static long vic_drop_one_pair(__u32 step, struct vic_pair_key* at) {
  const struct vic_pair* pair = vic_pair_at(at->cookie, at->id);
  if (!pair) return 1;
  const __u64 next = pair->next;
  vic_delete_pair(at->cookie, vic_pair_id(&pair->backend, VIC_PAIR_BY_BACKEND));
  vic_delete_pair(at->cookie, at->id);
  at->id = next;
  return next == 0;
}

/* With the socket: nobody else is using it. */
static __always_inline void vic_drop_pairs(__u64 cookie) {
  struct vic_pair_key at = {.cookie = cookie, .id = 0};
  if (vic_pair_at(cookie, 0)) bpf_loop(VIC_MAX_PAIRS, vic_drop_one_pair, &at, 0);
}

#endif /* VICINITY_PAIRS_H_ */
