/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The daemon's word that an endpoint is gone, written into one record. Done here because a hook may
 * replace the record at any time: a record of another endpoint is not touched.
 */
#ifndef VICINITY_RETIRE_H_
#define VICINITY_RETIRE_H_

#include "pairs.h"

static __always_inline void vic_mark_pair(const struct vic_retirement* what) {
  struct vic_pair* pair = vic_pair_at(what->cookie, what->pair);
  if (pair && vic_is_same(&pair->backend, &what->backend))
    __sync_fetch_and_or(&pair->flags, VIC_ORIGIN_GONE);
}

static __always_inline void vic_mark_gone(const struct vic_retirement* argument) {
  const struct vic_retirement what = *argument;
  if (what.pair) return vic_mark_pair(&what);
  struct vic_origin* origin = vic_origin_of(what.cookie);
  if (origin && vic_is_same(&origin->backend, &what.backend))
    __sync_fetch_and_or(&origin->flags, VIC_ORIGIN_GONE);
}

#endif /* VICINITY_RETIRE_H_ */
