// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* select.h, run in the kernel over a table given by the test: the same draws as natively? */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "select.h"

enum { DRAWS_PER_RUN = 4096 };

struct draw_request {
  __u32 count;
  __u32 weighted;
};

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 65536);
  __type(key, __u32);
  __type(value, struct vic_alias);
} test_aliases SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct draw_request);
} test_request SEC(".maps");

/* In: the random numbers. Out: the slots. */
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, DRAWS_PER_RUN);
  __type(key, __u32);
  __type(value, __u32);
} test_draws SEC(".maps");

static long draw_one(__u32 index, void* failures) {
  __u32 zero = 0;
  const struct draw_request* request = bpf_map_lookup_elem(&test_request, &zero);
  __u32* number = bpf_map_lookup_elem(&test_draws, &index);
  if (!request || !number) return 1;
  const struct vic_draw draw = vic_draw_slot(*number, request->count);
  __u32 slot = draw.slot;
  const struct vic_alias* alias = bpf_map_lookup_elem(&test_aliases, &slot);
  if (!alias) return 1;
  *number = request->weighted ? vic_settle_draw(draw, alias) : slot;
  return 0;
}

SEC("syscall")
int draw_all(void* ctx) { return bpf_loop(DRAWS_PER_RUN, draw_one, 0, 0) != DRAWS_PER_RUN; }

char LICENSE[] SEC("license") = "Dual BSD/GPL";
