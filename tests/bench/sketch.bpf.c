/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The least that a balancer can do at connect(): one hash, one array, one random number. The row
 * "foreign object" of the benchmark unless another object is given, and an example of one.
 */
#include <linux/bpf.h>
#include <linux/in.h>

#include <bpf/bpf_helpers.h>

#include "sketch.h"

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, kSketchServices);
  __type(key, struct SketchKey);
  __type(value, struct SketchService);
} sketch_services SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, kSketchEndpoints);
  __type(key, __u32);
  __type(value, struct SketchKey);
} sketch_endpoints SEC(".maps");

SEC("cgroup/connect4")
int sketch_connect4(struct bpf_sock_addr* ctx) {
  if (ctx->protocol != IPPROTO_TCP) return 1;
  const struct SketchKey key = {.address_be = ctx->user_ip4, .port_be = ctx->user_port};
  const struct SketchService* service = bpf_map_lookup_elem(&sketch_services, &key);
  if (!service || service->count == 0) return 1;
  const __u64 product = (__u64)bpf_get_prandom_u32() * service->count;
  const __u32 index = service->first + (__u32)(product >> 32);
  const struct SketchKey* endpoint = bpf_map_lookup_elem(&sketch_endpoints, &index);
  if (!endpoint) return 1;
  ctx->user_ip4 = endpoint->address_be;
  ctx->user_port = endpoint->port_be;
  return 1;
}

char _license[] SEC("license") = "Dual BSD/GPL";
