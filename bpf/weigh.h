/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * How least request weighs an endpoint: weight / (active + 1)^bias, as Envoy documents, in
 * integers. On plain values: compiled into the hooks and natively.
 */
#ifndef VICINITY_WEIGH_H_
#define VICINITY_WEIGH_H_

#include <linux/types.h>

/* Logarithms and powers of two are in units of 1 / 65536; both are off by less than 1e-4. */
static inline __u32 vic_highest_bit(__u64 value) {
  __u32 bit = 0;
#pragma unroll
  for (__u32 step = 32; step > 0; step /= 2) {
    if (value >> step == 0) continue;
    value >>= step;
    bit += step;
  }
  return bit;
}

/* log2 of a number from 1 on. */
static inline __u64 vic_log2(__u64 value) {
  const __u32 bit = vic_highest_bit(value);
  const __s64 part = (__s64)(value << (63 - bit) << 1 >> 48);
  __s64 sum = 3845;
  sum = -14752 + ((sum * part) >> 16);
  sum = 28875 + ((sum * part) >> 16);
  sum = -46971 + ((sum * part) >> 16);
  sum = 94542 + ((sum * part) >> 16);
  return ((__u64)bit << 16) + (__u64)((sum * part) >> 16);
}

/* weight * 65536 / 2^exponent */
static inline __u64 vic_scale_down(__u32 weight, __u64 exponent) {
  const __s64 part = (__s64)(exponent & 0xffff);
  const __u64 shift = exponent >> 16;
  __s64 sum = 448;
  sum = -3487 + ((sum * part) >> 16);
  sum = 15691 + ((sum * part) >> 16);
  sum = -45420 + ((sum * part) >> 16);
  sum = 65536 + ((sum * part) >> 16);
  return shift > 63 ? 0 : (__u64)weight * (__u64)sum >> shift;
}

/* In units of 1 / 65536, never 0: whoever is in the table can be chosen. */
static inline __u64 vic_effective_weight(__u32 weight, __u32 active, __u32 bias_permille) {
  __u64 result = (__u64)weight << 16;
  if (bias_permille == 1000)
    result /= (__u64)active + 1;
  else if (bias_permille != 0)
    result = vic_scale_down(weight, vic_log2((__u64)active + 1) * bias_permille / 1000);
  return result > 0 ? result : 1;
}

/* A part of the whole in proportion to a 32-bit random number. */
static inline __u64 vic_part_of(__u64 whole, __u32 random) {
  return (whole >> 32) * random + ((whole & 0xffffffff) * random >> 32);
}

#endif /* VICINITY_WEIGH_H_ */
