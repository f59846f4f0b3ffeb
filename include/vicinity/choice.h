/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only OR BSD-2-Clause */
/*
 * The tables of every algorithm but plain random: a block of whole cache lines in vic_choices for
 * each table, part of the contract of abi.h. The view of such a table leads to its block, and the
 * block to the slots:
 *
 *   line 0       vic_choice_head | vic_choice_tier 0
 *   lines 1..    vic_choice_tier 1, 2 | 3, 4 ...         only those that carry load
 *   `members`    vic_member for each loaded slot
 *   then         only of watched tables: vic_choice_watch, vic_member for each slot without load
 *   `table`...   what the algorithm looks up, per tier: see enum vic_shape
 *
 * A block is written whole before its view is stored and is immutable from then on, but for the
 * cursors; its memory is used again a grace period after the last view of it.
 */
#ifndef VICINITY_CHOICE_H_
#define VICINITY_CHOICE_H_

#include <vicinity/abi.h>

enum vic_choice_limit {
  VIC_LINE_BYTES = 64,
  VIC_LINE_HALVES = 32,
  VIC_LINE_DIRECTORY = 16,
  VIC_LINE_MEMBERS = 8,
  VIC_RING_LINE_ENTRIES = 6,
  /* Entries of one bucket of a ring's directory; a ring with more in one is refused. */
  VIC_RING_MOST_IN_BUCKET = 32,
  VIC_MOST_CHOICES = 32,
  /* Unequal weights: endpoints of a tier that least request weighs against each other. */
  VIC_LEAST_CANDIDATES = 16,
};

/* What a tier's choice is made with; `index` is always relative to the tier's first slot. */
enum vic_shape {
  VIC_SHAPE_EQUAL = 0,    /* no table: every slot alike */
  VIC_SHAPE_BYTES = 1,    /* `size` indices of a byte */
  VIC_SHAPE_HALVES = 2,   /* `size` indices of two bytes */
  VIC_SHAPE_RING = 3,     /* `size` entries in vic_ring_lines, sorted by hash, and a directory */
  VIC_SHAPE_WEIGHTED = 4, /* no table: by vic_member::weight and the tier's vic_aliases */
};

/* Element of array vic_choices; writer: daemon (cursors: hooks); reader: connect hooks. */
struct vic_line {
  __u64 words[8];
};

/* vic_choice_head.flags */
enum vic_choice_flag {
  VIC_CHOICE_HASH_RANDOM = 0x01, /* what VIC_HASH_RANDOM is */
  VIC_CHOICE_WATCHED = 0x02,     /* failures of the endpoints are seen, suspects avoided */
};

struct vic_choice_head {
  __u32 first_slot; /* of the table, in vic_slots */
  __u16 count;      /* loaded slots */
  __u8 algorithm;   /* enum vic_algorithm */
  __u8 tier_count;  /* loaded tiers */
  __u8 choice_count;
  __u8 flags; /* enum vic_choice_flag */
  __u16 bias_permille;
  __u32 affinity_s; /* 0 = no affinity */
  __u64 table_id;   /* of this service, port and family, whatever its table: key of affinity */
  __u32 members;    /* line of the first vic_member, relative to the block */
  __u32 checksum;   /* of the lines from `members` on */
};

struct vic_choice_tier {
  __u16 first;     /* of its slots, relative to first_slot */
  __u16 count;     /* slots */
  __u8 load_until; /* taken when a percentage of 1 to 100 is at most this and above the last's */
  __u8 shape;      /* enum vic_shape */
  __u8 shift;      /* ring: a hash's bucket is hash >> shift */
  __u8 reserved0;  /* 0 */
  __u32 table;     /* line, relative to the block */
  __u32 size;      /* entries */
  __u32 directory; /* ring: line of the first bucket, relative to the block */
  __u32 reserved1; /* 0 */
  __u64 cursor;    /* round robin: turns taken; advanced by the hooks of all CPUs */
};

struct vic_member {
  __u32 weight;
  __u32 endpoint; /* index into vic_active, or VIC_ENDPOINT_WATCHED and one into vic_watched; 0 =
                     not counted */
};

/* Where to go when everything with load is suspect. The line behind the members. */
struct vic_choice_watch {
  __u32 group;      /* element of vic_watched with the table's vic_watch_group */
  __u32 rest_slot;  /* first slot without load; they are in order of tier */
  __u32 rest_count; /* slots without load; their members follow this line */
  __u32 next_count; /* of them, those of the first tier */
  __u64 reserved[6];
};

/* Six entries of a ring: one cache line has the hash and what it leads to. */
struct vic_ring_line {
  __u64 hash[VIC_RING_LINE_ENTRIES];
  __u16 index[VIC_RING_LINE_ENTRIES];
  __u32 reserved; /* 0 */
};

VIC_STATIC_ASSERT(sizeof(struct vic_line) == 64, "vic_line");
VIC_STATIC_ASSERT(sizeof(struct vic_choice_head) == 32, "vic_choice_head");
VIC_STATIC_ASSERT(sizeof(struct vic_choice_tier) == 32, "vic_choice_tier");
VIC_STATIC_ASSERT(sizeof(struct vic_member) == 8, "vic_member");
VIC_STATIC_ASSERT(sizeof(struct vic_choice_watch) == 64, "vic_choice_watch");
VIC_STATIC_ASSERT((int)VIC_CHOICE_HASH_RANDOM == (int)VIC_HASH_RANDOM, "one bit says it");
VIC_STATIC_ASSERT(sizeof(struct vic_ring_line) == 64, "vic_ring_line");

#endif /* VICINITY_CHOICE_H_ */
