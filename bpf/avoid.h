/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Choosing again when the choice is a suspect (suspects.h): a few more draws, then the tiers that
 * carry no load, in order. When all of it is suspect the first choice stands: nothing is refused
 * because of a suspicion. Compiled into the hooks and natively, where algorithms.h is, with
 *
 *   int vic_is_suspect(__u32 endpoint);
 *   void vic_count_saved(void);
 */
#ifndef VICINITY_AVOID_H_
#define VICINITY_AVOID_H_

enum vic_more_draws {
  VIC_DRAWS_AGAIN = 3,     /* as the table's algorithm draws */
  VIC_DRAWS_NEXT_TIER = 4, /* in the first tier without load */
  VIC_DRAWS_REST = 2,      /* in all of them */
};

static __always_inline int vic_is_random(const struct vic_choice_head* head) {
  return head->algorithm != VIC_ALGORITHM_RING_HASH && head->algorithm != VIC_ALGORITHM_MAGLEV;
}

/* The hash of draw number `draw`: of a client's always the same, as Envoy retries. */
static __always_inline __u64 vic_hash_again(const struct vic_choice_head* head, __u64 hash,
                                            __u32 draw) {
  if (vic_is_random(head)) return (__u64)vic_random32() << 32 | vic_random32();
  return hash ^ (0 - (__u64)draw);
}

static __always_inline int vic_draw_again(struct vic_choice* ask,
                                          const struct vic_choice_head* head) {
  struct vic_choice again = *ask;
  for (__u32 draw = 1; draw <= VIC_DRAWS_AGAIN; draw++) {
    again.hash = vic_hash_again(head, ask->hash, draw);
    if (vic_answer(&again) || vic_is_suspect(again.endpoint)) continue;
    *ask = again;
    return 1;
  }
  return 0;
}

/* One of the first `count` slots without load. 1: it is no suspect, and the answer. */
static __always_inline int vic_try_rest(struct vic_choice* ask, __u32 line,
                                        const struct vic_choice_watch* watch, __u32 count) {
  const __u32 index = (__u32)((__u64)vic_random32() * count >> 32);
  const struct vic_line* members = vic_line_at(line + 1 + index / VIC_LINE_MEMBERS);
  if (!members) return 0;
  const __u32 endpoint = (__u32)(members->words[index & 7] >> 32);
  if (vic_is_suspect(endpoint)) return 0;
  ask->slot = watch->rest_slot + index;
  ask->endpoint = endpoint;
  return 1;
}

static __always_inline int vic_leave_tiers(struct vic_choice* ask,
                                           const struct vic_choice_head* head) {
  const __u32 members = (head->count + VIC_LINE_MEMBERS - 1) / VIC_LINE_MEMBERS;
  const __u32 line = ask->block + head->members + members;
  const struct vic_choice_watch* watch = (const struct vic_choice_watch*)vic_line_at(line);
  if (!watch || watch->rest_count == 0) return 0;
  for (__u32 draw = 0; draw < VIC_DRAWS_NEXT_TIER + VIC_DRAWS_REST; draw++) {
    const __u32 count = draw < VIC_DRAWS_NEXT_TIER ? watch->next_count : watch->rest_count;
    if (vic_try_rest(ask, line, watch, count)) return 1;
  }
  return 0;
}

/* REQUIRES: the question is answered. */
VIC_VERIFIED_ONCE int vic_avoid_suspects(struct vic_choice* ask) {
  if (!ask || !vic_is_suspect(ask->endpoint)) return 0;
  const struct vic_choice_head* head = vic_head_at(ask->block);
  if (!head || !(head->flags & VIC_CHOICE_WATCHED)) return 0;
  if (vic_draw_again(ask, head) || vic_leave_tiers(ask, head)) vic_count_saved();
  return 0;
}

#endif /* VICINITY_AVOID_H_ */
