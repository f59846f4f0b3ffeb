/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The floor of every measurement: hooks that do nothing. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

SEC("cgroup/connect4")
int empty_connect4(struct bpf_sock_addr* ctx) { return 1; }

SEC("cgroup/connect6")
int empty_connect6(struct bpf_sock_addr* ctx) { return 1; }

SEC("cgroup/sendmsg4")
int empty_sendmsg4(struct bpf_sock_addr* ctx) { return 1; }

SEC("cgroup/sendmsg6")
int empty_sendmsg6(struct bpf_sock_addr* ctx) { return 1; }

char _license[] SEC("license") = "Dual BSD/GPL";
