// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* algorithms.h, run in the kernel over a block given by the test: the same answers as natively? */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include <vicinity/choice.h>

#include "weigh.h"

enum {
  ASKS_PER_RUN = 1024,
  NUMBERS = 65536, /* of the random numbers given; asks take them in order */
};

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 65536);
  __type(key, __u32);
  __type(value, struct vic_line);
} test_lines SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 4096);
  __type(key, __u32);
  __type(value, __u32);
} test_active SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 4096);
  __type(key, __u32);
  __type(value, struct vic_alias);
} test_aliases SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, NUMBERS);
  __type(key, __u32);
  __type(value, __u32);
} test_numbers SEC(".maps");

/* How many of them are taken. */
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, __u32);
} test_taken SEC(".maps");

static __always_inline struct vic_line* vic_line_at(__u32 line) {
  return bpf_map_lookup_elem(&test_lines, &line);
}

static __always_inline __u32 vic_active_at(__u32 endpoint) {
  const __u32* active = bpf_map_lookup_elem(&test_active, &endpoint);
  return active ? *active : 0;
}

static __always_inline __u32 vic_random32(void) {
  const __u32 zero = 0;
  __u32* taken = bpf_map_lookup_elem(&test_taken, &zero);
  if (!taken) return 0;
  const __u32 at = *taken;
  *taken = at + 1;
  const __u32* number = bpf_map_lookup_elem(&test_numbers, &at);
  return number ? *number : 0;
}

static __always_inline __u64 vic_weigh(__u32 weight, __u32 active, __u32 bias_permille) {
  return vic_effective_weight(weight, active, bias_permille);
}

static __always_inline const struct vic_alias* vic_alias_of(__u32 slot,
                                                            const enum vic_family family) {
  return bpf_map_lookup_elem(&test_aliases, &slot);
}

#include "algorithms.h"

/* In: the questions. Out: the answers; block 0: there was none. */
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, ASKS_PER_RUN);
  __type(key, __u32);
  __type(value, struct vic_choice);
} test_asks SEC(".maps");

static long answer_one(__u32 index, void* context) {
  struct vic_choice* ask = bpf_map_lookup_elem(&test_asks, &index);
  if (!ask) return 1;
  struct vic_choice copy = *ask;
  if (vic_answer(&copy)) copy.block = 0;
  *ask = copy;
  return 0;
}

SEC("syscall")
int answer_all(void* ctx) { return bpf_loop(ASKS_PER_RUN, answer_one, 0, 0) != ASKS_PER_RUN; }

char LICENSE[] SEC("license") = "Dual BSD/GPL";
