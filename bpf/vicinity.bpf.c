// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * The kernel side of Vicinity: destinations are rewritten once, at connect(2), and for unconnected
 * UDP sockets at sendmsg(2); whoever looks at the peer is shown the service.
 */
#include <linux/bpf.h>
#include <linux/in.h>

#include <bpf/bpf_helpers.h>

#include "connect.h"
#include "destroy.h"
#include "outcome.h"
#include "peer.h"
#include "probe.h"
#include "retire.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

SEC("cgroup/connect4")
int vic_connect4(struct bpf_sock_addr* ctx) {
  if (!vic_is_balanced(ctx->protocol)) return VIC_PROCEED;
  union vic_destination at = vic_destination4(ctx->user_ip4, ctx->user_port);
  const enum vic_outcome outcome = vic_connect(ctx, &at, VIC_FAMILY_IPV4);
  if (outcome == VIC_OUTCOME_TRANSLATED) vic_redirect4(ctx, &at);
  if (outcome == VIC_OUTCOME_NOT_A_SERVICE && vic_answer_probe(ctx)) return VIC_PROCEED;
  return vic_conclude(outcome, VIC_HOOK_CONNECT4);
}

/* IPv6 sockets that connect to ::ffff:a.b.c.d fire connect6 only, but follow the IPv4 tables. */
static __always_inline int vic_connect_mapped4(struct bpf_sock_addr* ctx) {
  union vic_destination at = vic_destination4(ctx->user_ip6[3], ctx->user_port);
  const enum vic_outcome outcome = vic_connect(ctx, &at, VIC_FAMILY_IPV4);
  if (outcome == VIC_OUTCOME_TRANSLATED) vic_redirect_mapped4(ctx, &at);
  return vic_conclude(outcome, VIC_HOOK_CONNECT6);
}

SEC("cgroup/connect6")
int vic_connect6(struct bpf_sock_addr* ctx) {
  if (!vic_is_balanced(ctx->protocol)) return VIC_PROCEED;
  if (vic_is_mapped4(ctx)) return vic_connect_mapped4(ctx);
  union vic_destination at = vic_destination6(ctx);
  const enum vic_outcome outcome = vic_connect(ctx, &at, VIC_FAMILY_IPV6);
  if (outcome == VIC_OUTCOME_TRANSLATED) vic_redirect6(ctx, &at);
  return vic_conclude(outcome, VIC_HOOK_CONNECT6);
}

SEC("cgroup/sendmsg4")
int vic_sendmsg4(struct bpf_sock_addr* ctx) {
  if (ctx->protocol != IPPROTO_UDP || vic_is_to_peer4(ctx)) return VIC_PROCEED;
  union vic_destination at = vic_destination4(ctx->user_ip4, ctx->user_port);
  const enum vic_outcome outcome = vic_balance_udp(ctx, &at, VIC_FAMILY_IPV4, VIC_ASK_SEND);
  if (outcome == VIC_OUTCOME_TRANSLATED) vic_redirect4(ctx, &at);
  return vic_conclude_send(outcome, VIC_HOOK_SENDMSG4);
}

/* Never with a v4-mapped address: that is sendmsg4's. */
SEC("cgroup/sendmsg6")
int vic_sendmsg6(struct bpf_sock_addr* ctx) {
  if (ctx->protocol != IPPROTO_UDP) return VIC_PROCEED;
  union vic_destination at = vic_destination6(ctx);
  const enum vic_outcome outcome = vic_balance_udp(ctx, &at, VIC_FAMILY_IPV6, VIC_ASK_SEND);
  if (outcome == VIC_OUTCOME_TRANSLATED) vic_redirect6(ctx, &at);
  return vic_conclude_send(outcome, VIC_HOOK_SENDMSG6);
}

SEC("cgroup/recvmsg4")
int vic_recvmsg4(struct bpf_sock_addr* ctx) {
  union vic_destination at = vic_destination4(ctx->user_ip4, ctx->user_port);
  if (vic_restore_sender(ctx, &at, VIC_FAMILY_IPV4)) vic_redirect4(ctx, &at);
  return VIC_PROCEED;
}

static __always_inline int vic_receive_mapped4(struct bpf_sock_addr* ctx) {
  union vic_destination at = vic_destination4(ctx->user_ip6[3], ctx->user_port);
  if (vic_restore_sender(ctx, &at, VIC_FAMILY_IPV4)) vic_redirect_mapped4(ctx, &at);
  return VIC_PROCEED;
}

SEC("cgroup/recvmsg6")
int vic_recvmsg6(struct bpf_sock_addr* ctx) {
  if (vic_is_mapped4(ctx)) return vic_receive_mapped4(ctx);
  union vic_destination at = vic_destination6(ctx);
  if (vic_restore_sender(ctx, &at, VIC_FAMILY_IPV6)) vic_redirect6(ctx, &at);
  return VIC_PROCEED;
}

SEC("cgroup/getpeername4")
int vic_getpeername4(struct bpf_sock_addr* ctx) {
  union vic_destination at = vic_destination4(ctx->user_ip4, ctx->user_port);
  if (vic_restore_peer(ctx, &at, VIC_FAMILY_IPV4)) vic_redirect4(ctx, &at);
  return VIC_PROCEED;
}

static __always_inline int vic_show_mapped4(struct bpf_sock_addr* ctx) {
  union vic_destination at = vic_destination4(ctx->user_ip6[3], ctx->user_port);
  if (vic_restore_peer(ctx, &at, VIC_FAMILY_IPV4)) vic_redirect_mapped4(ctx, &at);
  return VIC_PROCEED;
}

SEC("cgroup/getpeername6")
int vic_getpeername6(struct bpf_sock_addr* ctx) {
  if (vic_is_mapped4(ctx)) return vic_show_mapped4(ctx);
  union vic_destination at = vic_destination6(ctx);
  if (vic_restore_peer(ctx, &at, VIC_FAMILY_IPV6)) vic_redirect6(ctx, &at);
  return VIC_PROCEED;
}

/* At the last close. */
SEC("cgroup/sock_release")
int vic_sock_release(struct bpf_sock* ctx) {
  if (!vic_may_be_remembered(ctx->protocol)) return VIC_PROCEED;
  const __u64 cookie = bpf_get_socket_cookie(ctx);
  if (vic_watching && ctx->protocol == IPPROTO_TCP) vic_release_note(cookie, ctx->state);
  if (!vic_may_have_origin(ctx->protocol)) return VIC_PROCEED;
  vic_drop_origin(cookie);
  if (ctx->protocol == IPPROTO_UDP) vic_drop_pairs(cookie);
  return VIC_PROCEED;
}

SEC("iter/tcp")
int vic_destroy_tcp(struct bpf_iter__tcp* ctx) { return vic_destroy(ctx->sk_common); }

SEC("iter/udp")
int vic_destroy_udp(struct bpf_iter__udp* ctx) {
  return vic_destroy((struct sock_common*)ctx->udp_sk);
}

/* Run by the daemon: the endpoint of this record is gone. */
SEC("syscall")
int vic_retire(struct vic_retirement* what) {
  vic_mark_gone(what);
  return 0;
}

/* Attached only while some service counts connections. */
SEC("sockops")
int vic_count_active(struct bpf_sock_ops* ctx) {
  if (ctx->op == BPF_SOCK_OPS_TCP_CONNECT_CB) vic_count_begin(ctx);
  if (ctx->op == BPF_SOCK_OPS_STATE_CB && ctx->args[1] == BPF_TCP_CLOSE) vic_count_end(ctx);
  return 1;
}

/* Attached only while somebody traces. */
SEC("sockops")
int vic_trace_connects(struct bpf_sock_ops* ctx) {
  vic_trace_socket(ctx);
  return 1;
}

/* These two: only loaded while some table is watched. */
SEC("tp_btf/inet_sock_set_state")
int vic_set_state(__u64* ctx) {
  if ((int)ctx[1] != BPF_TCP_SYN_SENT || (int)ctx[2] != BPF_TCP_ESTABLISHED) return 0;
  return vic_established((struct sock*)ctx[0]);
}

SEC("tp_btf/inet_sk_error_report")
int vic_error_report(__u64* ctx) { return vic_heed_error((struct sock*)ctx[0]); }

/* Run by the daemon: the clock that leases are compared with. */
SEC("syscall")
int vic_tell_ticks(__u64* ticks) {
  *ticks = bpf_jiffies64();
  return 0;
}

/* Run by the daemon: who it is in the initial pid namespace, wherever it runs. */
SEC("syscall")
int vic_who_am_i(void* ctx) { return bpf_get_current_pid_tgid() >> 32; }
