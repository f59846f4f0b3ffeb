/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What becomes of one connection: config line, lease, prefixes, frontend entry, choice. One source
 * for both families: `family` is a constant at each call.
 */
#ifndef VICINITY_FLOW_H_
#define VICINITY_FLOW_H_

#include <linux/errno.h>
#include <linux/in.h>

#include "affinity.h"
#include "avoid.h"
#include "realm.h"
#include "service.h"
#include "stats.h"
#include "watch.h"

/* Return values of a sock_addr program. */
enum vic_verdict {
  VIC_REJECT = 0,
  VIC_PROCEED = 1,
};

/* Any clock's lines cost more than a lookup; jiffies are a load. */
static __always_inline int vic_has_lease(const struct vic_config* config) {
  if (bpf_jiffies64() < VIC_LOAD(config->lease_ticks)) return 1;
  const __u64 lease_until = VIC_LOAD(config->lease_until);
  return lease_until == 0 || bpf_ktime_get_coarse_ns() < lease_until;
}

/* The members that are read, where the running kernel has them. */
struct task_struct {
  unsigned int flags;
  int tgid;
} __attribute__((preserve_access_index));

/* The daemon itself must reach its control plane whatever the tables say. */
static __always_inline int vic_is_own_socket(const struct vic_config* config,
                                             const struct task_struct* task) {
  if ((__u32)task->tgid != VIC_LOAD(config->self_tgid)) return 0;
  return bpf_ktime_get_coarse_ns() < VIC_LOAD(config->self_until);
}

enum { VIC_TASK_IS_KERNEL_THREAD = 0x00200000 };

/*
 * Sockets that kernel threads connect are left alone. MPTCP adds subflows to the endpoint that the
 * application's connection has: another choice would break it. NFS and SMB take the address back
 * out of their own copy and would stay with the first endpoint for ever.
 */
static __always_inline int vic_is_kernel_thread(const struct task_struct* task) {
  return task->flags & VIC_TASK_IS_KERNEL_THREAD;
}

static __always_inline void vic_touch_slot(__u32 index, const enum vic_family family) {
  const __u64* slot = family == VIC_FAMILY_IPV4 ? bpf_map_lookup_elem(&vic_slots4, &index)
                                                : bpf_map_lookup_elem(&vic_slots6, &index);
  if (!slot) return;
  vic_touch(slot[0]);
  if (family == VIC_FAMILY_IPV6) vic_touch(slot[2]); /* one in four reaches into the next line */
}

/* Replaces `at` by the endpoint in this slot and counts the choice. */
static __always_inline enum vic_outcome vic_take_slot4(__u32 index, __u32 shard,
                                                       union vic_destination* at) {
  const struct vic_slot4* slot = bpf_map_lookup_elem(&vic_slots4, &index);
  if (!slot) return VIC_OUTCOME_INTERNAL_ERROR;
  const struct vic_slot4 endpoint = {.address_be = VIC_LOAD(slot->address_be),
                                     .port_be = VIC_LOAD(slot->port_be),
                                     .counter = VIC_LOAD(slot->counter)};
  vic_count_choice(at, shard, endpoint.counter, VIC_FAMILY_IPV4);
  at->v4.address_be = endpoint.address_be;
  at->v4.port_be = endpoint.port_be;
  return VIC_OUTCOME_TRANSLATED;
}

static __always_inline enum vic_outcome vic_take_slot6(__u32 index, __u32 shard,
                                                       union vic_destination* at) {
  const struct vic_slot6* slot = bpf_map_lookup_elem(&vic_slots6, &index);
  if (!slot) return VIC_OUTCOME_INTERNAL_ERROR;
  const __u64* words = (const __u64*)slot->address_be; /* a map's value is aligned for them */
  const __u64 first = VIC_LOAD(words[0]);
  const __u64 second = VIC_LOAD(words[1]);
  const __u16 port_be = VIC_LOAD(slot->port_be);
  vic_count_choice(at, shard, VIC_LOAD(slot->counter), VIC_FAMILY_IPV6);
  at->word[0] = first;
  at->word[1] = second;
  at->v6.port_be = port_be;
  return VIC_OUTCOME_TRANSLATED;
}

static __always_inline enum vic_outcome vic_take_slot(__u32 index, __u32 shard,
                                                      union vic_destination* at,
                                                      const enum vic_family family) {
  return family == VIC_FAMILY_IPV4 ? vic_take_slot4(index, shard, at)
                                   : vic_take_slot6(index, shard, at);
}

/* The algorithms other than plain random. A datagram's socket keeps its endpoint anyway; affinity
 * gives the client's other sockets the same. No count: a UDP socket does not say when it is done.
 */
static __always_inline enum vic_outcome vic_choose_by_block(struct bpf_sock_addr* ctx,
                                                            struct vic_view view,
                                                            union vic_destination* at,
                                                            const enum vic_family family,
                                                            __u32 random) {
  struct vic_choice ask = vic_new_choice(ctx, view, family, random);
  struct vic_affinity_key key = {.client = 0, .table_id = vic_affinity_of(view.first)};
  if (key.table_id) key.client = vic_client_hash(ctx, family);
  const __u32 kept = key.table_id ? vic_kept_slot(&key, view.first, family) : 0;
  const struct vic_choice_head* head = vic_head_at(view.first);
  if (kept)
    vic_answer_with(&ask, kept);
  else if (head && head->algorithm == VIC_ALGORITHM_RANDOM)
    vic_answer_at_random(&ask, head);
  else if (vic_answer(&ask))
    return VIC_OUTCOME_INTERNAL_ERROR;
  if (vic_watching && vic_may_be_suspect(ask.endpoint)) vic_avoid_suspects(&ask);
  const enum vic_outcome outcome = vic_take_slot(ask.slot, vic_counter_shard(), at, family);
  if (outcome != VIC_OUTCOME_TRANSLATED) return outcome;
  if (key.table_id && ask.slot != kept) vic_keep(&key, at, ask.slot, family);
  if (vic_watching && ask.endpoint & VIC_ENDPOINT_WATCHED)
    vic_watch(ctx, ask.endpoint, at, family);
  else if (ask.endpoint)
    vic_note_endpoint(ctx, ask.endpoint, at, family);
  return outcome;
}

VIC_VERIFIED_ONCE int vic_choose_by_block4(struct bpf_sock_addr* ctx, __u64 view,
                                           union vic_destination* at, __u32 random) {
  const union vic_view_word word = {.word = view};
  return at ? vic_choose_by_block(ctx, word.view, at, VIC_FAMILY_IPV4, random)
            : VIC_OUTCOME_INTERNAL_ERROR;
}

VIC_VERIFIED_ONCE int vic_choose_by_block6(struct bpf_sock_addr* ctx, __u64 view,
                                           union vic_destination* at, __u32 random) {
  const union vic_view_word word = {.word = view};
  return at ? vic_choose_by_block(ctx, word.view, at, VIC_FAMILY_IPV6, random)
            : VIC_OUTCOME_INTERNAL_ERROR;
}

/* What is known of a choice before the view that it is made from. */
struct vic_lot {
  __u32 random;
  __u64 hint;
};

static __always_inline enum vic_outcome vic_choose(struct bpf_sock_addr* ctx, struct vic_view view,
                                                   union vic_destination* at,
                                                   const enum vic_family family,
                                                   struct vic_lot lot) {
  const union vic_view_word word = {.view = view};
  if (view.flags & VIC_VIEW_ALGORITHM_MASK)
    return family == VIC_FAMILY_IPV4 ? vic_choose_by_block4(ctx, word.word, at, lot.random)
                                     : vic_choose_by_block6(ctx, word.word, at, lot.random);
  const __u32 shard = vic_counter_shard();
  if (word.word != lot.hint) vic_approach_counter(shard, view.flags);
  const struct vic_draw draw = vic_draw_slot(lot.random, view.count);
  __u32 slot = draw.slot;
  if (view.flags & VIC_VIEW_WEIGHTED) {
    vic_touch_slot(view.first + slot, family); /* most draws keep their slot */
    const struct vic_alias* alias = vic_alias_of(view.first + slot, family);
    if (!alias) return VIC_OUTCOME_INTERNAL_ERROR;
    slot = vic_settle_draw(draw, alias);
  }
  return vic_take_slot(view.first + slot, shard, at, family);
}

/*
 * Starts to fetch what a choice from the hinted view reads: slot and counter are then on their way
 * together with the bucket instead of behind it. A hint of another service, or an old one, costs
 * lines that nobody wanted.
 */
static __always_inline void vic_follow_hint(struct vic_lot lot, const enum vic_family family) {
  const union vic_view_word hinted = {.word = lot.hint};
  const struct vic_view view = hinted.view;
  vic_approach_counter(vic_counter_shard(), view.flags);
  if (view.flags & VIC_VIEW_ALGORITHM_MASK) {
    const struct vic_line* block = vic_line_at(view.first);
    if (block) vic_touch(block->words[0]);
    return;
  }
  const __u32 slot = view.first + vic_draw_slot(lot.random, view.count).slot;
  vic_touch_slot(slot, family);
  const struct vic_alias* alias = view.flags & VIC_VIEW_WEIGHTED ? vic_alias_of(slot, family) : 0;
  if (alias) vic_touch(*(const __u64*)alias);
}

/* What a service says to a connection; `at` becomes the endpoint when there is one. */
static __always_inline enum vic_outcome vic_follow_view(struct bpf_sock_addr* ctx,
                                                        struct vic_view view,
                                                        union vic_destination* at,
                                                        const enum vic_family family,
                                                        struct vic_lot lot) {
  if (view.flags & VIC_VIEW_UNKNOWN_PORT) return VIC_OUTCOME_UNKNOWN_PORT_PASSED;
  if (view.flags & VIC_VIEW_PASSTHROUGH)
    return view.count == VIC_PASS_WAYPOINT ? VIC_OUTCOME_PASSED_WAYPOINT
                                           : VIC_OUTCOME_PASSED_PASSTHROUGH;
  if (view.count == 0)
    return view.flags & VIC_VIEW_PASS_EMPTY
               ? VIC_OUTCOME_PASSED_EMPTY
               : vic_refuse(VIC_OUTCOME_REFUSED_EMPTY, view.first, at, family);
  return vic_choose(ctx, view, at, family, lot);
}

/*
 * A connect waits for cold lines more than for anything else: config, then bucket, then slot. What
 * needs no table (lease, own socket, random number) is done while the bucket is on its way.
 */
static __always_inline enum vic_outcome vic_balance(struct bpf_sock_addr* ctx,
                                                    const struct vic_config* config,
                                                    union vic_destination* at,
                                                    const enum vic_family family) {
  const struct vic_hints* hints = vic_hints_if_covered(config, at, family);
  if (!hints && !vic_has_ranges(config))
    return vic_has_lease(config) ? VIC_OUTCOME_NOT_A_SERVICE : VIC_OUTCOME_LEASE_EXPIRED;
  const struct vic_place place = vic_approach(config, at, hints, family);
  const struct vic_lot lot = {.random = bpf_get_prandom_u32(), .hint = place.hint};
  if (lot.hint) vic_follow_hint(lot, family);
  if (!vic_has_lease(config)) return VIC_OUTCOME_LEASE_EXPIRED;
  const struct task_struct* task = bpf_get_current_task_btf();
  const int is_own = vic_is_own_socket(config, task);
  const struct vic_client client = vic_client_of(ctx, config);
  const union vic_view_word found = {.word =
                                         vic_find_service(config, place, at, client.realm, family)};
  if (!found.word) return VIC_OUTCOME_NOT_A_SERVICE;
  if (is_own) return VIC_OUTCOME_OWN_SOCKET;
  const enum vic_outcome left = vic_left_alone(client);
  if (left != VIC_OUTCOME_TRANSLATED) return left;
  if (vic_is_kernel_thread(task)) return VIC_OUTCOME_KERNEL_SOCKET;
  const enum vic_outcome outcome = vic_follow_view(ctx, found.view, at, family, lot);
  if (outcome == VIC_OUTCOME_UNKNOWN_PORT_PASSED &&
      VIC_LOAD(config->flags) & VIC_CONFIG_UNKNOWN_PORT_REFUSE) {
    const union vic_destination any_port = vic_any_port(at, family);
    return vic_refuse(VIC_OUTCOME_UNKNOWN_PORT_REFUSED, found.view.first, &any_port, family);
  }
  return outcome;
}

/* Beside the outcome: somebody watches the choices. */
enum vic_balanced { VIC_BALANCED_TRACED = 0x100, VIC_BALANCED_OUTCOME = 0xff };

static __always_inline int vic_balance_by(struct bpf_sock_addr* ctx, union vic_destination* at,
                                          const enum vic_family family) {
  const struct vic_config* config = at ? vic_config_of(family) : 0;
  if (!config) return VIC_OUTCOME_INTERNAL_ERROR;
  const enum vic_outcome outcome = vic_balance(ctx, config, at, family);
  return outcome | (VIC_LOAD(config->flags) & VIC_CONFIG_TRACE ? VIC_BALANCED_TRACED : 0);
}

/* `at`, a destination, becomes the endpoint that the connection is to have. */
VIC_VERIFIED_ONCE int vic_balance4(struct bpf_sock_addr* ctx, union vic_destination* at) {
  return vic_balance_by(ctx, at, VIC_FAMILY_IPV4);
}

VIC_VERIFIED_ONCE int vic_balance6(struct bpf_sock_addr* ctx, union vic_destination* at) {
  return vic_balance_by(ctx, at, VIC_FAMILY_IPV6);
}

static __always_inline int vic_balance_any(struct bpf_sock_addr* ctx, union vic_destination* at,
                                           const enum vic_family family) {
  return family == VIC_FAMILY_IPV4 ? vic_balance4(ctx, at) : vic_balance6(ctx, at);
}

/* Counts and turns an outcome into the hook's return value. */
static __always_inline int vic_conclude(enum vic_outcome outcome, const enum vic_hook hook) {
  vic_count_outcome(hook, outcome);
  if (outcome != VIC_OUTCOME_REFUSED_EMPTY && outcome != VIC_OUTCOME_UNKNOWN_PORT_REFUSED)
    return VIC_PROCEED;
  bpf_set_retval(-ECONNREFUSED);
  return VIC_REJECT;
}

#endif /* VICINITY_FLOW_H_ */
