/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Address ranges of services: the longest range that holds a destination, as the key of its
 * entries. What the trie says is checked by that key, which is made of the destination itself: an
 * element that changed hands under the reader can only lead to another range that holds the
 * destination.
 */
#ifndef VICINITY_RANGES_H_
#define VICINITY_RANGES_H_

#include "addr.h"
#include "maps.h"

static __always_inline const __u32* vic_longest_range(const union vic_destination* at, __u16 realm,
                                                      const enum vic_family family) {
  if (family == VIC_FAMILY_IPV4) {
    const struct vic_range4 key = {
        .prefix_length = 32 + 32, .realm = realm, .address_be = at->v4.address_be};
    return bpf_map_lookup_elem(&vic_ranges4, &key);
  }
  const struct vic_range6 key = {.prefix_length = 32 + 128,
                                 .realm = realm,
                                 .address_be = {at->v6.address_be[0], at->v6.address_be[1],
                                                at->v6.address_be[2], at->v6.address_be[3]}};
  return bpf_map_lookup_elem(&vic_ranges6, &key);
}

/* Turns `at` into the key of its longest range in this realm; 0: there is none. */
static __always_inline int vic_enter_range(union vic_destination* at, __u16 realm,
                                           const enum vic_family family) {
  const __u32* found = vic_longest_range(at, realm, family);
  if (!found) return 0;
  const __u32 length = *(const volatile __u32*)found;
  if (family == VIC_FAMILY_IPV4) {
    at->v4.address_be = bpf_htonl(vic_range_word(bpf_ntohl(at->v4.address_be), 0, length));
    at->v4.realm = realm | VIC_REALM_RANGE;
    return 1;
  }
#pragma unroll
  for (__u32 i = 0; i < 4; i++)
    at->v6.address_be[i] = bpf_htonl(vic_range_word(bpf_ntohl(at->v6.address_be[i]), i, length));
  at->v6.realm = realm | VIC_REALM_RANGE;
  return 1;
}

#endif /* VICINITY_RANGES_H_ */
