/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Session affinity: a client keeps the endpoint it was given until it has not connected for the
 * table's timeout, or the endpoint takes no connections any more. Whatever the algorithm: it is
 * asked only when there is nothing to keep.
 */
#ifndef VICINITY_AFFINITY_H_
#define VICINITY_AFFINITY_H_

#include "choose.h"

/* The table's name among affinities; 0 = it has none. */
static __always_inline __u64 vic_affinity_of(__u32 block) {
  const struct vic_choice_head* head = vic_head_at(block);
  return head && head->affinity_s ? head->table_id : 0;
}

/* What is remembered, beside the table's slots. */
struct vic_keeping {
  const struct vic_affinity* affinity;
  __u32 first_slot;
  __u32 family;
  __u32 found; /* slot; 0 = none */
};

static __always_inline int vic_is_in_slot4(const struct vic_affinity* kept, __u32 index) {
  const struct vic_slot4* slot = bpf_map_lookup_elem(&vic_slots4, &index);
  return slot && slot->address_be == kept->address_be[0] && slot->port_be == kept->port_be;
}

static __always_inline int vic_is_in_slot6(const struct vic_affinity* kept, __u32 index) {
  const struct vic_slot6* slot = bpf_map_lookup_elem(&vic_slots6, &index);
  if (!slot || slot->port_be != kept->port_be) return 0;
  __u32 difference = 0;
#pragma unroll
  for (__u32 i = 0; i < 4; i++) difference |= slot->address_be[i] ^ kept->address_be[i];
  return difference == 0;
}

static __always_inline int vic_is_in_slot(const struct vic_affinity* kept, __u32 index,
                                          __u32 family) {
  return family == VIC_FAMILY_IPV4 ? vic_is_in_slot4(kept, index) : vic_is_in_slot6(kept, index);
}

static long vic_look_at_slot(__u32 number, void* context) {
  struct vic_keeping* keeping = context;
  const __u32 index = keeping->first_slot + number;
  if (!vic_is_in_slot(keeping->affinity, index, keeping->family)) return 0;
  keeping->found = index;
  return 1;
}

/*
 * The slot that the client keeps; 0 = none. It is where it was as long as the table is the same;
 * once after each change of the table it is looked for.
 */
VIC_VERIFIED_ONCE __u32 vic_kept_slot(const struct vic_affinity_key* of, __u32 block,
                                      __u32 family) {
  if (!of) return 0;
  const struct vic_affinity_key key = *of;
  const struct vic_choice_head* head = vic_head_at(block);
  struct vic_affinity* kept = bpf_map_lookup_elem(&vic_affinities, &key);
  if (!head || !kept) return 0;
  const __u64 now = bpf_ktime_get_coarse_ns();
  /* Another CPU may have used it at a later tick of the clock than ours: then it is below 0. */
  const __s64 unused_ns = (__s64)(now - VIC_LOAD(kept->used_at));
  if (unused_ns > (__s64)(head->affinity_s * 1000000000ULL)) return 0;
  struct vic_keeping keeping = {.affinity = kept, .first_slot = head->first_slot, .family = family};
  const __u32 slot = VIC_LOAD(kept->slot);
  const __u32 number = slot - head->first_slot;
  if (number < head->count && vic_is_in_slot(kept, slot, family))
    keeping.found = slot;
  else
    bpf_loop(head->count, vic_look_at_slot, &keeping, 0);
  if (!keeping.found) return 0;
  kept->used_at = now;
  kept->slot = keeping.found;
  return keeping.found;
}

/* The question is answered by what the client keeps. */
static __always_inline void vic_answer_with(struct vic_choice* ask, __u32 slot) {
  const struct vic_choice_head* head = vic_head_at(ask->block);
  ask->slot = slot;
  if (head) vic_answer_slot(ask, head, slot - head->first_slot);
}

VIC_VERIFIED_ONCE int vic_keep(const struct vic_affinity_key* of, const union vic_destination* at,
                               __u32 slot, __u32 family) {
  if (!of || !at) return 0;
  const struct vic_affinity_key key = *of;
  struct vic_affinity kept = {
      .slot = slot, .port_be = vic_port_be(at, family), .used_at = bpf_ktime_get_coarse_ns()};
  kept.address_be[0] = at->v6.address_be[0];
  if (family == VIC_FAMILY_IPV6) {
    kept.address_be[1] = at->v6.address_be[1];
    kept.address_be[2] = at->v6.address_be[2];
    kept.address_be[3] = at->v6.address_be[3];
  }
  bpf_map_update_elem(&vic_affinities, &key, &kept, BPF_ANY);
  return 0;
}

#endif /* VICINITY_AFFINITY_H_ */
