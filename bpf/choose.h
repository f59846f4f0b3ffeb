/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The algorithms of algorithms.h over the object's maps. */
#ifndef VICINITY_CHOOSE_H_
#define VICINITY_CHOOSE_H_

#include "active.h"
#include "client.h"
#include "lookup.h"
#include "once.h"
#include "suspects.h"
#include "weigh.h"

static __always_inline struct vic_line* vic_line_at(__u32 line) {
  return bpf_map_lookup_elem(&vic_choices, &line);
}

static __always_inline __u64 vic_weigh(__u32 weight, __u32 active, __u32 bias_permille) {
  return vic_effective_weight(weight, active, bias_permille);
}

static __always_inline __u32 vic_random32(void) { return bpf_get_prandom_u32(); }

static __always_inline const struct vic_alias* vic_alias_of(__u32 slot,
                                                            const enum vic_family family) {
  return family == VIC_FAMILY_IPV4 ? bpf_map_lookup_elem(&vic_aliases4, &slot)
                                   : bpf_map_lookup_elem(&vic_aliases6, &slot);
}

#include "algorithms.h"

static __always_inline __u32 vic_algorithm_of(struct vic_view view) {
  return (view.flags & VIC_VIEW_ALGORITHM_MASK) >> VIC_VIEW_ALGORITHM_SHIFT;
}

/* Does the choice depend on who connects? */
static __always_inline int vic_is_by_client(struct vic_view view) {
  const __u32 algorithm = vic_algorithm_of(view);
  if (algorithm != VIC_ALGORITHM_RING_HASH && algorithm != VIC_ALGORITHM_MAGLEV) return 0;
  const struct vic_choice_head* head = vic_head_at(view.first);
  return head && !(head->flags & VIC_CHOICE_HASH_RANDOM);
}

static __always_inline struct vic_choice vic_new_choice(struct bpf_sock_addr* ctx,
                                                        struct vic_view view,
                                                        const enum vic_family family,
                                                        __u32 random) {
  struct vic_choice ask = {.block = view.first,
                           .family = family,
                           .hash = random,
                           .weighted = view.flags & VIC_VIEW_WEIGHTED,
                           .slot = 0,
                           .endpoint = 0,
                           .tier = 0};
  if (vic_is_by_client(view))
    ask.hash = vic_client_hash(ctx, family);
  else if (vic_algorithm_of(view) != VIC_ALGORITHM_BLOCK_RANDOM)
    ask.hash |= (__u64)bpf_get_prandom_u32() << 32; /* plain random needs half of it */
  return ask;
}

#endif /* VICINITY_CHOOSE_H_ */
