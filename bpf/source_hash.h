/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The hash by which ring hash and Maglev know a client: xxHash64 of its address as text, which is
 * what Envoy's source address policy hashes. On plain values: compiled into the hooks and natively.
 */
#ifndef VICINITY_SOURCE_HASH_H_
#define VICINITY_SOURCE_HASH_H_

#include <linux/types.h>

#include "once.h"

/* "255.255.255.255" or eight groups of four digits: 39 characters. */
enum {
  VIC_TEXT_WORDS = 5,
  VIC_TEXT_ROOM = 64,
};

/* What is behind the text is anything. */
union vic_text {
  __u64 words[VIC_TEXT_ROOM / 8];
  char chars[VIC_TEXT_ROOM];
};

/* The compiler knows less than it could: that the mask is not needed, where it is the verifier who
 * needs it, and that a masked index can be or-ed into the pointer, which the verifier (6.18)
 * forbids. */
static inline void vic_text_put(union vic_text* text, __u32 at, char what) {
  asm volatile("" : "+r"(at));
  at &= VIC_TEXT_ROOM - 1;
  asm volatile("" : "+r"(at));
  text->chars[at] = what;
}

static inline __u32 vic_text_digit(union vic_text* text, __u32 length, __u32 digit) {
  vic_text_put(text, length, (char)(digit + '0' + (digit + 6) / 16 * ('a' - '0' - 10)));
  return length + 1;
}

/* A digit that is left out while it and all before it are 0: `value` has it and those before it. */
static inline __u32 vic_text_leading(union vic_text* text, __u32 length, __u32 digit, __u32 value) {
  return vic_text_digit(text, length, digit) - 1 + (value + 0xffff) / 0x10000;
}

/* Each character is written and stays only if the length moves past it. */
static inline __u32 vic_text_ipv4(union vic_text* text, const __u8* address) {
  __u32 length = 0;
#pragma unroll
  for (__u32 i = 0; i < 4; i++) {
    const __u32 byte = address[i];
    length = vic_text_leading(text, length, byte / 100, byte / 100);
    length = vic_text_leading(text, length, byte / 10 % 10, byte / 10);
    length = vic_text_digit(text, length, byte % 10);
    vic_text_put(text, length, '.');
    length++;
  }
  return length - 1;
}

/* The longest run of two zero groups or more, the first of its length: what "::" stands for. */
struct vic_zero_run {
  __u32 first;
  __u32 count; /* 0 = none */
  __u32 here;  /* zeros up to the group that was looked at last */
};

VIC_VERIFIED_ONCE int vic_look_for_zeros(struct vic_zero_run* best, __u32 number, __u32 group) {
  if (!best) return 0;
  best->here = group == 0 ? best->here + 1 : 0;
  if (best->here < 2 || best->here <= best->count) return 0;
  best->count = best->here;
  best->first = number + 1 - best->here;
  return 0;
}

/* One of the eight, and the colon behind it; `place` is number << 16 | group. The new length. */
VIC_VERIFIED_ONCE __u32 vic_text_group(union vic_text* text, const struct vic_zero_run* zeros,
                                       __u32 length, __u32 place) {
  if (!text || !zeros) return 0;
  const __u32 number = place >> 16;
  const __u32 group = place & 0xffff;
  if (number - zeros->first >= zeros->count) {
    length = vic_text_leading(text, length, group >> 12, group >> 12);
    length = vic_text_leading(text, length, group >> 8 & 15, group >> 8);
    length = vic_text_leading(text, length, group >> 4 & 15, group >> 4);
    length = vic_text_digit(text, length, group & 15);
  } else {
    if (number != zeros->first) return length;
    vic_text_put(text, length, ':');
    length += number == 0;
  }
  vic_text_put(text, length, ':');
  return length + 1;
}

/* The form of RFC 5952. */
static inline __u32 vic_text_ipv6(union vic_text* text, const __u8* address) {
  struct vic_zero_run zeros = {.first = 0, .count = 0, .here = 0};
#pragma unroll
  for (__u32 i = 0; i < 8; i++)
    vic_look_for_zeros(&zeros, i, (__u32)address[2 * i] << 8 | address[2 * i + 1]);
  __u32 length = 0;
#pragma unroll
  for (__u32 i = 0; i < 8; i++) {
    const __u32 group = (__u32)address[2 * i] << 8 | address[2 * i + 1];
    length = vic_text_group(text, &zeros, length, i << 16 | group);
  }
  return length - (zeros.first + zeros.count != 8);
}

#define VIC_XX_PRIME1 0x9e3779b185ebca87ULL
#define VIC_XX_PRIME2 0xc2b2ae3d27d4eb4fULL
#define VIC_XX_PRIME3 0x165667b19e3779f9ULL
#define VIC_XX_PRIME4 0x85ebca77c2b2ae63ULL
#define VIC_XX_PRIME5 0x27d4eb2f165667c5ULL

static inline __u64 vic_rotate(__u64 value, __u32 by) { return value << by | value >> (64 - by); }

static inline __u64 vic_xx_round(__u64 lane, __u64 word) {
  return vic_rotate(lane + word * VIC_XX_PRIME2, 31) * VIC_XX_PRIME1;
}

static inline __u64 vic_xx_merge(__u64 hash, __u64 lane) {
  return (hash ^ vic_xx_round(0, lane)) * VIC_XX_PRIME1 + VIC_XX_PRIME4;
}

/* The first 32 characters of a text that has as many. */
static inline __u64 vic_xx_stripe(const __u64* words) {
  const __u64 lane1 = vic_xx_round(VIC_XX_PRIME1 + VIC_XX_PRIME2, words[0]);
  const __u64 lane2 = vic_xx_round(VIC_XX_PRIME2, words[1]);
  const __u64 lane3 = vic_xx_round(0, words[2]);
  const __u64 lane4 = vic_xx_round(0 - VIC_XX_PRIME1, words[3]);
  __u64 hash =
      vic_rotate(lane1, 1) + vic_rotate(lane2, 7) + vic_rotate(lane3, 12) + vic_rotate(lane4, 18);
  hash = vic_xx_merge(vic_xx_merge(hash, lane1), lane2);
  return vic_xx_merge(vic_xx_merge(hash, lane3), lane4);
}

/* The last seven characters or fewer, in `word`. */
static inline __u64 vic_xx_tail(__u64 hash, __u64 word, __u32 length) {
  if (length >= 4) {
    hash ^= (word & 0xffffffff) * VIC_XX_PRIME1;
    hash = vic_rotate(hash, 23) * VIC_XX_PRIME2 + VIC_XX_PRIME3;
    word >>= 32;
    length -= 4;
  }
#pragma unroll
  for (__u32 i = 0; i < 3; i++) {
    const __u64 next = hash ^ (word >> (8 * i) & 0xff) * VIC_XX_PRIME5;
    if (i < length) hash = vic_rotate(next, 11) * VIC_XX_PRIME1;
  }
  return hash;
}

/* xxHash64 with seed 0, little endian, of a text of at most 39 characters. */
static inline __u64 vic_xx_hash(const union vic_text* text, __u32 length) {
  const __u32 begin = length >= 32 ? 4 : 0;
  __u64 hash = (length >= 32 ? vic_xx_stripe(text->words) : VIC_XX_PRIME5) + length;
#pragma unroll
  for (__u32 i = 0; i < VIC_TEXT_WORDS; i++) {
    if (i < begin || length <= 8 * i) continue;
    const __u32 rest = length - 8 * i;
    if (rest < 8) {
      hash = vic_xx_tail(hash, text->words[i], rest);
      continue;
    }
    hash ^= vic_xx_round(0, text->words[i]);
    hash = vic_rotate(hash, 27) * VIC_XX_PRIME1 + VIC_XX_PRIME4;
  }
  hash = (hash ^ hash >> 33) * VIC_XX_PRIME2;
  hash = (hash ^ hash >> 29) * VIC_XX_PRIME3;
  return hash ^ hash >> 32;
}

/* Of an address in network order. */
static inline __u64 vic_hash_ipv4(const __u8* address) {
  union vic_text text = {};
  const __u32 length = vic_text_ipv4(&text, address);
  return vic_xx_hash(&text, length);
}

static inline __u64 vic_hash_ipv6(const __u8* address) {
  union vic_text text = {};
  const __u32 length = vic_text_ipv6(&text, address);
  return vic_xx_hash(&text, length);
}

#endif /* VICINITY_SOURCE_HASH_H_ */
