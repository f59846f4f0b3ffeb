/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* When a message reached the sockets of a cgroup, and when the answer left them. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "wire.h"

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct WireTimes);
} wire_times SEC(".maps");

static struct WireTimes* times_of(const struct __sk_buff* packet) {
  const __u32 first = 0;
  return packet->len < kWireLeast ? 0 : bpf_map_lookup_elem(&wire_times, &first);
}

SEC("cgroup_skb/ingress")
int wire_arrives(struct __sk_buff* packet) {
  struct WireTimes* times = times_of(packet);
  if (times && !times->arrived) times->arrived = bpf_ktime_get_ns();
  return 1;
}

SEC("cgroup_skb/egress")
int wire_leaves(struct __sk_buff* packet) {
  struct WireTimes* times = times_of(packet);
  if (times && times->arrived && !times->left) times->left = bpf_ktime_get_ns();
  return 1;
}

char _license[] SEC("license") = "Dual BSD/GPL";
