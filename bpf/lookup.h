/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * From a destination to the view of its table. One source for both families: `family` is a
 * constant at each call. What makes it safe against the writer is in
 * docs/decisions/001-lookup-under-change.md.
 */
#ifndef VICINITY_LOOKUP_H_
#define VICINITY_LOOKUP_H_

#include "addr.h"
#include "maps.h"
#include "once.h"

/* A word that the daemon may be storing: one load, not repeated, not torn. */
#define VIC_LOAD(word) (*(const volatile __typeof__(word)*)&(word))

/* Begins the load and does not wait for it. */
#define vic_touch(word)              \
  ({                                 \
    __u64 touched = VIC_LOAD(word);  \
    asm volatile("" ::"r"(touched)); \
  })

union vic_view_word {
  __u64 word;
  struct vic_view view;
};

union vic_table_word {
  __u64 word;
  struct vic_table table;
};

static __always_inline struct vic_config* vic_config_of(const enum vic_family family) {
  const __u32 index = family;
  return bpf_map_lookup_elem(&vic_config, &index);
}

static __always_inline const __u64* vic_bucket(__u32 index, const enum vic_family family) {
  return family == VIC_FAMILY_IPV4 ? bpf_map_lookup_elem(&vic_frontends4, &index)
                                   : bpf_map_lookup_elem(&vic_frontends6, &index);
}

static __always_inline int vic_key_equals(const __u64* entry, const union vic_destination* key,
                                          const __u32 words) {
  __u64 difference = 0;
#pragma unroll
  for (__u32 i = 0; i < words; i++) difference |= VIC_LOAD(entry[i]) ^ key->word[i];
  return difference == 0;
}

/*
 * `from`, known to be computed after `word` was loaded: a load through it is ordered behind that
 * load by an address dependency, which arm64 keeps too (BPF v3 has no load-acquire).
 */
static __always_inline const __u64* vic_after(__u64 word, const __u64* from) {
  asm volatile("%0 &= 0" : "+r"(word));
  return (const __u64*)((const char*)from + word);
}

/*
 * The view beside `key` in one bucket, 0 if there is none. Between the match and the load of the
 * view the place may have changed hands, and a key of several words may have been half written.
 * Whoever sees a view also sees the whole key it was published with, hence the second look.
 */
static __always_inline __u64 vic_view_in_bucket(const __u64* bucket,
                                                const union vic_destination* key,
                                                const __u32 words) {
#pragma unroll
  for (__u32 i = 0; i < VIC_BUCKET_WORDS; i += words + 1) {
    if (!vic_key_equals(bucket + i, key, words)) continue;
    const __u64 view = VIC_LOAD(bucket[i + words]);
    if (view == 0) continue; /* on its way in or out */
    if (vic_key_equals(vic_after(view, bucket + i), key, words)) return view;
  }
  return 0;
}

/* Where a key's entry may be, from one load of the table word. */
struct vic_place {
  const __u64* first; /* 0 = a lookup failed */
  __u32 second;
  __u64 hint; /* a view, most likely the one that will be found; 0 = none */
};

static __always_inline struct vic_table vic_table_in_use(const struct vic_config* config) {
  const union vic_table_word in_use = {.word = VIC_LOAD(*(const __u64*)&config->table)};
  return in_use.table;
}

/* Those of the address of a destination, whatever its port and realm; 0: it has no entries. */
static __always_inline const struct vic_hints* vic_hints_of(const struct vic_config* config,
                                                            const union vic_destination* at,
                                                            const enum vic_family family) {
  const __u64 hash = vic_address_hash(at->word, family);
  const __u32 line = vic_hint_line(hash, vic_table_in_use(config), family);
  const struct vic_hints* hints = family == VIC_FAMILY_IPV4
                                      ? bpf_map_lookup_elem(&vic_hints4, &line)
                                      : bpf_map_lookup_elem(&vic_hints6, &line);
  if (!hints) return 0;
  const __u64 bits = vic_address_bits(hash);
  return (VIC_LOAD(hints->addresses) & bits) == bits ? hints : 0;
}

static __always_inline __u64 vic_hint(const struct vic_hints* hints, __u64 hash) {
  __u32 view = vic_hint_view(hash);
  asm volatile("" : "+r"(view)); /* shifts that are put together hide its bounds */
  return VIC_LOAD(*(const __u64*)&hints->views[view]);
}

/*
 * Starts to fetch the line that most likely has the entry. What does not need it can be done
 * meanwhile: a cold line takes longer than all the arithmetic and helpers of a connect together.
 */
static __always_inline struct vic_place vic_approach(const struct vic_config* config,
                                                     const union vic_destination* key,
                                                     const struct vic_hints* hints,
                                                     const enum vic_family family) {
  const struct vic_table table = vic_table_in_use(config);
  const __u64 hash = vic_hash(key->word, vic_key_words(family));
  const struct vic_place place = {
      .first = vic_bucket(vic_first_bucket(hash, table), family),
      .second = vic_second_bucket(hash, table),
      .hint = hints ? vic_hint(hints, hash) : 0,
  };
  if (place.first) vic_touch(*place.first);
  return place;
}

static __always_inline __u64 vic_find_overflowed(const union vic_destination* key,
                                                 const enum vic_family family) {
  __u64 view = 0;
#pragma unroll
  for (__u32 i = 0; i < VIC_OVERFLOW_BUCKETS && !view; i++) {
    const __u64* bucket = vic_bucket(i, family);
    view = bucket ? vic_view_in_bucket(bucket, key, vic_key_words(family)) : 0;
  }
  return view;
}

/* Few tables have such entries. */
VIC_VERIFIED_ONCE __u64 vic_find_overflowed4(const union vic_destination* key) {
  return key ? vic_find_overflowed(key, VIC_FAMILY_IPV4) : 0;
}

VIC_VERIFIED_ONCE __u64 vic_find_overflowed6(const union vic_destination* key) {
  return key ? vic_find_overflowed(key, VIC_FAMILY_IPV6) : 0;
}

static __always_inline __u64 vic_find_view(const struct vic_config* config, struct vic_place place,
                                           const union vic_destination* key,
                                           const enum vic_family family) {
  const __u32 words = vic_key_words(family);
  __u64 view = place.first ? vic_view_in_bucket(place.first, key, words) : 0;
  if (view) return view;
  const __u64* bucket = vic_bucket(place.second, family);
  view = bucket ? vic_view_in_bucket(bucket, key, words) : 0;
  if (view || !(VIC_LOAD(config->flags) & VIC_CONFIG_OVERFLOW)) return view;
  return family == VIC_FAMILY_IPV4 ? vic_find_overflowed4(key) : vic_find_overflowed6(key);
}

/* Is the destination among the services' prefixes? Most are sent away here, in the first line. */
static __always_inline int vic_is_in_prefix(const struct vic_config* config,
                                            const union vic_destination* at,
                                            const enum vic_family family) {
  if (!(VIC_LOAD(config->flags) & VIC_CONFIG_PREFIXES_COMPLETE)) return 1;
  const __u64 leading = vic_leading_bits(at, family);
#pragma unroll
  for (__u32 i = 0; i < VIC_CONFIG_PREFIXES; i++) {
    const __u64 prefix = VIC_LOAD(config->prefixes[i]);
    if ((leading ^ prefix) >> (prefix & 63) == 0) return 1;
  }
  return 0;
}

static __always_inline int vic_has_ranges(const struct vic_config* config) {
  return (VIC_LOAD(config->flags) & VIC_CONFIG_RANGES) != 0;
}

/* Those of a destination that may have an entry of its own; 0: at most ranges have it. */
static __always_inline const struct vic_hints* vic_hints_if_covered(const struct vic_config* config,
                                                                    const union vic_destination* at,
                                                                    const enum vic_family family) {
  return vic_is_in_prefix(config, at, family) ? vic_hints_of(config, at, family) : 0;
}

#endif /* VICINITY_LOOKUP_H_ */
