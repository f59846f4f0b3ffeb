// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* The kernel side of Vicinity: destinations are rewritten once, at connect(2). */
#include <linux/bpf.h>
#include <linux/in.h>

#include <bpf/bpf_helpers.h>

#include "flow.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

SEC("cgroup/connect4")
int vic_connect4(struct bpf_sock_addr* ctx) {
  if (ctx->protocol != IPPROTO_TCP) return VIC_PROCEED;
  union vic_destination at = vic_destination4(ctx->user_ip4, ctx->user_port);
  const enum vic_outcome outcome = vic_balance(&at, VIC_FAMILY_IPV4);
  if (outcome == VIC_OUTCOME_TRANSLATED) vic_redirect4(ctx, &at);
  return vic_conclude(outcome, VIC_FAMILY_IPV4);
}

/* IPv6 sockets that connect to ::ffff:a.b.c.d fire connect6 only, but follow the IPv4 tables. */
static __always_inline int vic_connect_mapped4(struct bpf_sock_addr* ctx) {
  union vic_destination at = vic_destination4(ctx->user_ip6[3], ctx->user_port);
  const enum vic_outcome outcome = vic_balance(&at, VIC_FAMILY_IPV4);
  if (outcome == VIC_OUTCOME_TRANSLATED) vic_redirect_mapped4(ctx, &at);
  return vic_conclude(outcome, VIC_FAMILY_IPV4);
}

SEC("cgroup/connect6")
int vic_connect6(struct bpf_sock_addr* ctx) {
  if (ctx->protocol != IPPROTO_TCP) return VIC_PROCEED;
  if (vic_is_mapped4(ctx)) return vic_connect_mapped4(ctx);
  union vic_destination at = vic_destination6(ctx);
  const enum vic_outcome outcome = vic_balance(&at, VIC_FAMILY_IPV6);
  if (outcome == VIC_OUTCOME_TRANSLATED) vic_redirect6(ctx, &at);
  return vic_conclude(outcome, VIC_FAMILY_IPV6);
}

/* Run by the daemon: who it is in the initial pid namespace, wherever it runs. */
SEC("syscall")
int vic_who_am_i(void* ctx) { return bpf_get_current_pid_tgid() >> 32; }
