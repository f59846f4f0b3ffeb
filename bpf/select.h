/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The choice among a table's loaded slots, on plain values: compiled into the hooks, into the
 * tests' BPF program and natively. One 32-bit random number makes one choice.
 */
#ifndef VICINITY_SELECT_H_
#define VICINITY_SELECT_H_

#include <vicinity/abi.h>

struct vic_draw {
  __u32 slot;     /* relative to the table's first */
  __u32 fraction; /* of 65536: how far into the slot the draw fell */
};

static inline struct vic_draw vic_draw_slot(__u32 random, __u32 count) {
  const __u64 product = (__u64)random * count;
  struct vic_draw draw;
  draw.slot = (__u32)(product >> 32);
  draw.fraction = (__u32)(product >> 16) & 0xffff;
  return draw;
}

static inline __u32 vic_settle_draw(struct vic_draw draw, const struct vic_alias* alias) {
  return draw.fraction < alias->threshold ? draw.slot : alias->other;
}

#endif /* VICINITY_SELECT_H_ */
