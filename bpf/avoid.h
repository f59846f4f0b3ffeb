/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Choosing again when the choice is a suspect (suspects.h): a few more draws, then a walk along the
 * slots with load, then along those without, in order of tier. When only suspects are met the first
 * choice stands: nothing is refused because of a suspicion.
 */
#ifndef VICINITY_AVOID_H_
#define VICINITY_AVOID_H_

#include "choose.h"

enum vic_more_tries {
  VIC_DRAWS_AGAIN = 3, /* as the table's algorithm draws */
  VIC_LONGEST_WALK = 32,
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

/* Slots beside each other, and the line where their members begin. */
struct vic_walk {
  __u32 slot;
  __u32 count;
  __u32 members;
  __u32 start;
  __u32 found;    /* number of a slot that is no suspect, plus 1; 0 = none yet */
  __u32 endpoint; /* its */
};

static long vic_step(__u32 step, void* context) {
  struct vic_walk* walk = context;
  __u32 number = walk->start + step;
  if (number >= walk->count) number -= walk->count;
  const struct vic_line* line = vic_line_at(walk->members + number / VIC_LINE_MEMBERS);
  const __u32 endpoint = line ? (__u32)(line->words[number & 7] >> 32) : 0;
  if (!line || vic_is_suspect(endpoint)) return 0;
  walk->found = number + 1;
  walk->endpoint = endpoint;
  return 1;
}

/* From one of them on to the first that is no suspect. 1: that is the answer. */
VIC_VERIFIED_ONCE int vic_walk_on(struct vic_choice* ask, __u32 slot, __u32 count, __u32 members) {
  if (!ask) return 0;
  struct vic_walk walk = {.slot = slot,
                          .count = count,
                          .members = members,
                          .start = (__u32)((__u64)vic_random32() * count >> 32)};
  bpf_loop(count < VIC_LONGEST_WALK ? count : VIC_LONGEST_WALK, vic_step, &walk, 0);
  if (!walk.found) return 0;
  ask->slot = slot + walk.found - 1;
  ask->endpoint = walk.endpoint;
  return 1;
}

/* Through the tiers with load, the first one without, and all of those. */
static __always_inline int vic_walk_tiers(struct vic_choice* ask,
                                          const struct vic_choice_head* head) {
  const __u32 members = ask->block + head->members;
  const __u32 behind = members + (head->count + VIC_LINE_MEMBERS - 1) / VIC_LINE_MEMBERS;
  if (vic_walk_on(ask, head->first_slot, head->count, members)) return 1;
  const struct vic_choice_watch* watch = (const struct vic_choice_watch*)vic_line_at(behind);
  if (!watch) return 0;
  if (vic_walk_on(ask, watch->rest_slot, watch->next_count, behind + 1)) return 1;
  return vic_walk_on(ask, watch->rest_slot, watch->rest_count, behind + 1);
}

/* REQUIRES: the question is answered. */
VIC_VERIFIED_ONCE int vic_avoid_suspects(struct vic_choice* ask) {
  if (!ask || !vic_is_suspect(ask->endpoint)) return 0;
  const struct vic_choice_head* head = vic_head_at(ask->block);
  if (!head || !(head->flags & VIC_CHOICE_WATCHED)) return 0;
  if (vic_draw_again(ask, head) || vic_walk_tiers(ask, head)) vic_count_saved();
  return 0;
}

#endif /* VICINITY_AVOID_H_ */
