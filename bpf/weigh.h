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
  /* Every bit below the highest one is set, and they are counted: no branches to verify. */
  value |= value >> 1;
  value |= value >> 2;
  value |= value >> 4;
  value |= value >> 8;
  value |= value >> 16;
  value |= value >> 32;
  value -= value >> 1 & 0x5555555555555555ULL;
  value = (value & 0x3333333333333333ULL) + (value >> 2 & 0x3333333333333333ULL);
  value = (value + (value >> 4)) & 0x0f0f0f0f0f0f0f0fULL;
  return (__u32)(value * 0x0101010101010101ULL >> 56) - 1;
}

/* Keeps clang 19 from writing a formula of all steps into the debug information, which takes it for
 * ever. */
static inline __s64 vic_settled(__s64 value) {
  asm volatile("" : "+r"(value));
  return value;
}

/* log2 of a number from 1 on. */
static inline __u64 vic_log2(__u64 value) {
  const __u32 bit = vic_highest_bit(value);
  const __s64 part = (__s64)(value << (63 - bit) << 1 >> 48);
  __s64 sum = 3845;
  sum = vic_settled(-14752 + ((sum * part) >> 16));
  sum = vic_settled(28875 + ((sum * part) >> 16));
  sum = vic_settled(-46971 + ((sum * part) >> 16));
  sum = vic_settled(94542 + ((sum * part) >> 16));
  return ((__u64)bit << 16) + (__u64)((sum * part) >> 16);
}

/* weight * 65536 / 2^exponent */
static inline __u64 vic_scale_down(__u32 weight, __u64 exponent) {
  const __s64 part = (__s64)(exponent & 0xffff);
  const __u64 shift = exponent >> 16;
  __s64 sum = 448;
  sum = vic_settled(-3487 + ((sum * part) >> 16));
  sum = vic_settled(15691 + ((sum * part) >> 16));
  sum = vic_settled(-45420 + ((sum * part) >> 16));
  sum = vic_settled(65536 + ((sum * part) >> 16));
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
