/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The choice by a block of vic_choices (vicinity/choice.h): a tier by its load, then an endpoint of
 * the tier by the algorithm. Compiled into the hooks and natively; whoever includes it has
 *
 *   struct vic_line* vic_line_at(__u32 line);    a line of vic_choices, 0 = out of range
 *   __u32 vic_active_at(__u32 endpoint);         its active connections
 *   __u32 vic_random32(void);
 *   __u64 vic_weigh(weight, active, bias_permille);  vic_effective_weight
 *   const struct vic_alias* vic_alias_of(__u32 slot, enum vic_family family);
 */
#ifndef VICINITY_ALGORITHMS_H_
#define VICINITY_ALGORITHMS_H_

#include <vicinity/choice.h>

#include "once.h"
#include "select.h"

#ifndef __always_inline
#define __always_inline inline __attribute__((always_inline))
#endif

/* A question and its answer. */
struct vic_choice {
  __u32 block;    /* first line */
  __u32 family;   /* enum vic_family */
  __u64 hash;     /* of the client; algorithms without a hash take a random number */
  __u32 weighted; /* random: the table has aliases */
  __u32 slot;     /* the answer: index into vic_slots */
  __u32 endpoint; /* as vic_member has it */
  __u32 tier;     /* the answer's, among those that carry load */
};

enum vic_no_index { VIC_NO_INDEX = 0xffffffff };

static __always_inline const struct vic_choice_head* vic_head_at(__u32 block) {
  return (const struct vic_choice_head*)vic_line_at(block);
}

static __always_inline struct vic_choice_tier* vic_tier_at(__u32 block, __u32 number) {
  struct vic_line* line = vic_line_at(block + (number + 1) / 2);
  if (!line) return 0;
  asm volatile("" : "+r"(line)); /* no arithmetic before the check: the verifier forbids it */
  return (struct vic_choice_tier*)&line->words[((number + 1) & 1) * 4];
}

static __always_inline struct vic_choice_tier* vic_tier_of(const struct vic_choice* ask) {
  return vic_tier_at(ask->block, ask->tier);
}

/* Envoy's: one percentage of 1 to 100 against the cumulative loads. */
VIC_VERIFIED_ONCE __u32 vic_pick_tier(__u32 block, __u64 hash) {
  const struct vic_choice_head* head = vic_head_at(block);
  if (!head || head->tier_count < 2) return 0;
  const __u32 percentage = (__u32)(hash % 100) + 1;
  __u32 number = 0;
  for (; number < VIC_MAX_TIERS - 1; number++) {
    const struct vic_choice_tier* tier = vic_tier_at(block, number);
    if (!tier || tier->load_until >= percentage || number + 1 >= head->tier_count) break;
  }
  return number;
}

/* What a table of bytes or of halves says at this position. */
static __always_inline __u32 vic_table_index(__u32 block, const struct vic_choice_tier* tier,
                                             __u64 position) {
  const __u32 at = (__u32)position;
  if (tier->shape == VIC_SHAPE_BYTES) {
    const struct vic_line* line = vic_line_at(block + tier->table + at / VIC_LINE_BYTES);
    return line ? (__u32)(line->words[at >> 3 & 7] >> ((at & 7) * 8) & 0xff) : VIC_NO_INDEX;
  }
  const struct vic_line* line = vic_line_at(block + tier->table + at / VIC_LINE_HALVES);
  return line ? (__u32)(line->words[at >> 2 & 7] >> ((at & 3) * 16) & 0xffff) : VIC_NO_INDEX;
}

static __always_inline __u32 vic_even_index(const struct vic_choice_tier* tier, __u32 random) {
  return (__u32)((__u64)random * tier->count >> 32);
}

static __always_inline __u32 vic_round_robin(__u32 block, struct vic_choice_tier* tier) {
  const __u64 turn = __sync_fetch_and_add(&tier->cursor, 1);
  if (tier->shape == VIC_SHAPE_EQUAL) return tier->count ? (__u32)(turn % tier->count) : 0;
  return tier->size ? vic_table_index(block, tier, turn % tier->size) : VIC_NO_INDEX;
}

static __always_inline __u32 vic_maglev(__u32 block, const struct vic_choice_tier* tier,
                                        __u64 hash) {
  if (tier->shape == VIC_SHAPE_EQUAL) return 0; /* one endpoint fills every table */
  return tier->size ? vic_table_index(block, tier, hash % tier->size) : VIC_NO_INDEX;
}

/* An entry of a ring, if it is at the hash or behind it; otherwise VIC_NO_INDEX. */
VIC_VERIFIED_ONCE __u32 vic_ring_index(__u32 table, __u32 entry, __u64 hash) {
  const struct vic_ring_line* ring =
      (const struct vic_ring_line*)vic_line_at(table + entry / VIC_RING_LINE_ENTRIES);
  __u32 place = entry % VIC_RING_LINE_ENTRIES;
  asm volatile("" : "+r"(place)); /* the verifier does not divide: let it see the comparison */
  if (!ring || place >= VIC_RING_LINE_ENTRIES) return VIC_NO_INDEX;
  return ring->hash[place] >= hash ? ring->index[place] : VIC_NO_INDEX;
}

/* The first entry of the ring at the hash or behind it, else the first of all: the directory knows
 * where the hash's bucket begins, and a bucket has few entries. */
static __always_inline __u32 vic_ring_hash(__u32 block, const struct vic_choice_tier* tier,
                                           __u64 hash) {
  if (tier->shape == VIC_SHAPE_EQUAL) return 0;
  const __u32 bucket = (__u32)(hash >> (tier->shift & 63));
  const struct vic_line* line = vic_line_at(block + tier->directory + bucket / VIC_LINE_DIRECTORY);
  if (!line) return VIC_NO_INDEX;
  const __u32 begin = (__u32)(line->words[bucket >> 1 & 7] >> ((bucket & 1) * 32));
  for (__u32 i = 0; i <= VIC_RING_MOST_IN_BUCKET; i++) {
    if (begin + i >= tier->size) return vic_ring_index(block + tier->table, 0, 0);
    const __u32 index = vic_ring_index(block + tier->table, begin + i, hash);
    if (index != VIC_NO_INDEX) return index;
  }
  return VIC_NO_INDEX;
}

static __always_inline struct vic_member vic_member_at(__u32 block,
                                                       const struct vic_choice_head* head,
                                                       __u32 member) {
  const struct vic_line* line = vic_line_at(block + head->members + member / VIC_LINE_MEMBERS);
  const __u64 word = line ? line->words[member & 7] : 0;
  const struct vic_member found = {.weight = (__u32)word, .endpoint = (__u32)(word >> 32)};
  return found;
}

/* One candidate, as a word: how many connections it has, then its index in the tier. */
VIC_VERIFIED_ONCE __u64 vic_draw_candidate(const struct vic_choice* ask) {
  if (!ask) return 0;
  const struct vic_choice_head* head = vic_head_at(ask->block);
  const struct vic_choice_tier* tier = vic_tier_of(ask);
  if (!head || !tier) return VIC_NO_INDEX;
  const __u32 index = vic_even_index(tier, vic_random32());
  const __u32 active = vic_active_at(vic_member_at(ask->block, head, tier->first + index).endpoint);
  return (__u64)active << 32 | index;
}

/* The one with the fewest connections of `choice_count` drawn with replacement; the first of
 * several. */
static __always_inline __u32 vic_least_of_few(const struct vic_choice* ask, __u32 choice_count) {
  __u64 best = vic_draw_candidate(ask);
  for (__u32 i = 1; i < VIC_MOST_CHOICES; i++) {
    if (i >= choice_count) break;
    const __u64 other = vic_draw_candidate(ask);
    if (other >> 32 < best >> 32) best = other;
  }
  return (__u32)best;
}

/* An endpoint drawn by weight alone. */
static __always_inline __u32 vic_weighted_index(const struct vic_choice* ask, __u32 first_slot,
                                                const struct vic_choice_tier* tier) {
  const struct vic_draw draw = vic_draw_slot(vic_random32(), tier->count);
  const struct vic_alias* alias =
      vic_alias_of(first_slot + tier->first + draw.slot, (enum vic_family)ask->family);
  if (!alias || draw.fraction < alias->threshold) return draw.slot;
  return alias->other - tier->first;
}

/* A candidate's index in the tier, and how it weighs. */
struct vic_candidate {
  __u64 weight;
  __u32 index;
  __u32 reserved;
};

/* Every slot of a small tier is a candidate, in order. */
VIC_VERIFIED_ONCE int vic_weigh_candidate(const struct vic_choice* ask, __u32 number,
                                          struct vic_candidate* candidate) {
  if (!ask || !candidate) return 1;
  const struct vic_choice_head* head = vic_head_at(ask->block);
  const struct vic_choice_tier* tier = vic_tier_of(ask);
  if (!head || !tier) return 1;
  const int all = tier->count <= VIC_LEAST_CANDIDATES;
  if (all && number >= tier->count) return 1;
  const __u32 index = all ? number : vic_weighted_index(ask, head->first_slot, tier);
  const struct vic_member member = vic_member_at(ask->block, head, tier->first + index);
  candidate->index = index;
  candidate->weight =
      vic_weigh(all ? member.weight : 1, vic_active_at(member.endpoint), head->bias_permille);
  return 0;
}

/*
 * Unequal weights: Envoy serves every endpoint in proportion to weight / (active + 1)^bias. So does
 * this where all of a tier can be weighed; of more, candidates are drawn by weight, and one of them
 * in proportion to the rest.
 */
static __always_inline __u32 vic_weigh_active(const struct vic_choice* ask) {
  struct vic_candidate candidate = {.weight = 0, .index = 0, .reserved = 0};
  __u64 sum = 0;
  __u32 chosen = 0;
  for (__u32 i = 0; i < VIC_LEAST_CANDIDATES; i++) {
    if (vic_weigh_candidate(ask, i, &candidate)) break;
    sum += candidate.weight;
    /* Each takes the place of those before it as often as its part of the sum says. */
    if (vic_part_of(sum, vic_random32()) < candidate.weight) chosen = candidate.index;
  }
  return chosen;
}

VIC_VERIFIED_ONCE __u32 vic_least_request(const struct vic_choice* ask) {
  if (!ask) return VIC_NO_INDEX;
  const struct vic_choice_head* head = vic_head_at(ask->block);
  const struct vic_choice_tier* tier = vic_tier_of(ask);
  if (!head || !tier) return VIC_NO_INDEX;
  return tier->shape == VIC_SHAPE_WEIGHTED ? vic_weigh_active(ask)
                                           : vic_least_of_few(ask, head->choice_count);
}

/* By an algorithm that looks its answer up. */
VIC_VERIFIED_ONCE __u32 vic_look_up(const struct vic_choice* ask, __u32 algorithm) {
  struct vic_choice_tier* tier = ask ? vic_tier_of(ask) : 0;
  if (!tier) return VIC_NO_INDEX;
  if (algorithm == VIC_ALGORITHM_ROUND_ROBIN) return vic_round_robin(ask->block, tier);
  if (algorithm == VIC_ALGORITHM_MAGLEV) return vic_maglev(ask->block, tier, ask->hash);
  if (algorithm == VIC_ALGORITHM_RING_HASH) return vic_ring_hash(ask->block, tier, ask->hash);
  return VIC_NO_INDEX;
}

/* Random: the shares of all tiers are in one alias table. */
static __always_inline __u32 vic_random_index(const struct vic_choice* ask,
                                              const struct vic_choice_head* head) {
  const struct vic_draw draw = vic_draw_slot((__u32)ask->hash, head->count);
  __u32 index = draw.slot;
  if (ask->weighted) {
    const struct vic_alias* alias =
        vic_alias_of(head->first_slot + index, (enum vic_family)ask->family);
    if (alias) index = vic_settle_draw(draw, alias);
  }
  return index;
}

/* Does the table want to know where connections go? */
static __always_inline int vic_has_endpoints(const struct vic_choice_head* head) {
  return head->algorithm == VIC_ALGORITHM_LEAST_REQUEST || head->flags & VIC_CHOICE_WATCHED;
}

/* By the slot's number among those with load. */
static __always_inline void vic_answer_slot(struct vic_choice* ask,
                                            const struct vic_choice_head* head, __u32 number) {
  ask->slot = head->first_slot + number;
  if (vic_has_endpoints(head)) ask->endpoint = vic_member_at(ask->block, head, number).endpoint;
}

/* The answer of random, the one algorithm whose cost every watched connect bears. */
static __always_inline void vic_answer_at_random(struct vic_choice* ask,
                                                 const struct vic_choice_head* head) {
  vic_answer_slot(ask, head, vic_random_index(ask, head));
}

/* Answers the question. 0 = answered; anything else: the block is not one, which cannot be. */
VIC_VERIFIED_ONCE int vic_answer(struct vic_choice* ask) {
  const struct vic_choice_head* head = ask ? vic_head_at(ask->block) : 0;
  if (!head) return 1;
  ask->endpoint = 0;
  if (head->algorithm == VIC_ALGORITHM_RANDOM) {
    vic_answer_at_random(ask, head);
    return 0;
  }
  ask->tier = vic_pick_tier(ask->block, ask->hash);
  const int by_active = head->algorithm == VIC_ALGORITHM_LEAST_REQUEST;
  const __u32 index = by_active ? vic_least_request(ask) : vic_look_up(ask, head->algorithm);
  const struct vic_choice_tier* tier = vic_tier_of(ask);
  if (!tier || index >= tier->count) return 1;
  vic_answer_slot(ask, head, tier->first + index);
  return 0;
}

#endif /* VICINITY_ALGORITHMS_H_ */
