/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only OR BSD-2-Clause */
/*
 * Where things are inside the maps of abi.h: arithmetic that the kernel programs and the daemon
 * share. Pure. A key is the leading words of a frontend entry: one of IPv4, three of IPv6.
 *
 * Frontend tables: the table of N buckets (a power of two) occupies buckets [N, 2N), so that a
 * table and the larger one that replaces it never overlap. The first buckets belong to all of them
 * and take the few entries that fit into neither of their own (VIC_CONFIG_OVERFLOW).
 */
#ifndef VICINITY_LAYOUT_H_
#define VICINITY_LAYOUT_H_

#include <vicinity/abi.h>

enum vic_layout {
  VIC_KEY4_WORDS = 1,
  VIC_KEY6_WORDS = 3,
  VIC_BUCKET_WORDS = 8,
  /* Buckets 0 and 1; the smallest table has 4. */
  VIC_OVERFLOW_BUCKETS = 2,
  VIC_HINT_VIEWS = 7,
  /* Elements of vic_counters per shard. */
  VIC_COUNTER_SHARD = VIC_COUNTER_ROWS * VIC_MAX_TIERS,
};

/*
 * What is known of addresses before their entries are there: one cache line without keys. Arrays
 * vic_hints4, vic_hints6; writer: daemon; reader: connect hooks.
 */
struct vic_hints {
  __u64 addresses; /* vic_address_bits() of all that have entries: only those are looked up */
  struct vic_view views[VIC_HINT_VIEWS]; /* what to fetch early, nothing to rely on; 0 = none */
};

/* 32 bits for each of the two candidate buckets: multiply and fold, twice. */
static inline __u64 vic_hash(const __u64* key, __u32 words) {
  __u64 hash = 0;
  for (__u32 i = 0; i < words; i++) {
    hash = (hash ^ key[i]) * 0x9e3779b97f4a7c15ULL;
    hash ^= hash >> 32;
  }
  hash *= 0xd6e8feb86659fd93ULL;
  return hash ^ (hash >> 32);
}

static inline __u32 vic_first_bucket(__u64 hash, struct vic_table table) {
  return table.base + ((__u32)(hash >> 32) & table.mask);
}

static inline __u32 vic_second_bucket(__u64 hash, struct vic_table table) {
  return table.base + ((__u32)hash & table.mask);
}

/* Of a key's address alone. */
static inline __u64 vic_address_hash(const __u64* key, enum vic_family family) {
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
  const __u64 first = family == VIC_FAMILY_IPV4 ? (__u32)key[0] : key[0];
#else
  const __u64 first = family == VIC_FAMILY_IPV4 ? key[0] >> 32 : key[0];
#endif
  __u64 hash = first * 0x9e3779b97f4a7c15ULL;
  if (family == VIC_FAMILY_IPV4) return hash;
  hash ^= hash >> 32 ^ key[1];
  hash ^= hash >> 32;
  return hash * 0x9e3779b97f4a7c15ULL;
}

/* The element of vic_hints4, vic_hints6 that an address shares with whichever others have the
 * same. There is one for as many buckets as have four entries that are found. */
static inline __u32 vic_hint_line(__u64 address_hash, struct vic_table table,
                                  enum vic_family family) {
  const __u32 bucket = table.base + ((__u32)(address_hash >> 32) & table.mask);
  return bucket >> (family == VIC_FAMILY_IPV4 ? 1 : 2);
}

/* All of them are set in the element of an address that has entries. */
static inline __u64 vic_address_bits(__u64 address_hash) {
  return 1ULL << (address_hash >> 52 & 63) | 1ULL << (address_hash >> 58);
}

/* Which of the element's views is that of a key, by vic_hash(). */
static inline __u32 vic_hint_view(__u64 hash) {
  return (__u32)((hash & 0xffffffff) * VIC_HINT_VIEWS >> 32);
}

/* Tier 0 of all rows is dense: most services only ever use that. */
static inline __u32 vic_counter_index(__u32 shard, __u16 counter) {
  return shard * VIC_COUNTER_SHARD + (((__u32)counter & 15) << 12) + (counter >> 4);
}

/* The bits of VIC_VIEW_HINT_MASK for a counter row: eight rows share a cache line. */
static inline __u16 vic_counter_hint(__u32 row) {
  return (__u16)((row >> 3 & 7) << 5 | (row >> 6 & 31) << 11);
}

/* The first row, of tier 0, of the line that a view's flags hint at. */
static inline __u32 vic_hinted_row(__u32 flags) {
  return (flags >> 5 & 7) << 3 | (flags >> 11 & 31) << 6;
}

/* By which end a pair is found; in the lowest bits of its id, which is therefore never 0. */
enum vic_pair_end {
  VIC_PAIR_BY_SERVICE = 1,
  VIC_PAIR_BY_BACKEND = 2,
};

/* Within one socket. Two ends with the same id displace each other: whoever looks compares. */
static inline __u64 vic_pair_id(const struct vic_endpoint* at, enum vic_pair_end end) {
  const __u64 key[3] = {
      (__u64)at->address_be[0] << 32 | at->address_be[1],
      (__u64)at->address_be[2] << 32 | at->address_be[3],
      (__u64)at->port_be << 16 | (__u64)at->family << 8 | at->protocol,
  };
  return (vic_hash(key, 3) & ~3ULL) | (__u64)end;
}

/*
 * Word `index` of the mark of a range: its network address with the first bit behind the prefix
 * set. Ranges of different lengths have different marks. `word`, of any address in the range, and
 * the result are in host order. A range is shorter than its family's addresses.
 */
static inline __u32 vic_range_word(__u32 word, __u32 index, __u32 length) {
  const __u32 start = 32 * index;
  if (length >= start + 32) return word;
  if (length < start) return 0;
  const __u32 bit = 0x80000000U >> (length - start);
  return (word & ~(2 * bit - 1)) | bit;
}

VIC_STATIC_ASSERT(sizeof(struct vic_hints) == 64, "a cache line");
VIC_STATIC_ASSERT(sizeof(struct vic_frontend4) == 8 * (VIC_KEY4_WORDS + 1), "key4");
VIC_STATIC_ASSERT(sizeof(struct vic_frontend6) == 8 * (VIC_KEY6_WORDS + 1), "key6");
VIC_STATIC_ASSERT(VIC_COUNTER_ROWS == 4096 && VIC_MAX_TIERS == 16, "counter = row << 4 | tier");

#endif /* VICINITY_LAYOUT_H_ */
