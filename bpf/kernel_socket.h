/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The kernel's own sockets: the members that are read, where the running kernel has them. */
#ifndef VICINITY_KERNEL_SOCKET_H_
#define VICINITY_KERNEL_SOCKET_H_

#include <linux/types.h>

struct vic_in6_addr {
  __u32 words[4];
};

struct sock_common {
  __u32 skc_daddr;
  __u16 skc_dport;
  __u16 skc_family;
  volatile __u8 skc_state;
  struct vic_in6_addr skc_v6_daddr;
} __attribute__((preserve_access_index));

struct sock {
  struct sock_common __sk_common;
  int sk_err;
  __u16 sk_protocol;
  __u8 sk_shutdown;
} __attribute__((preserve_access_index));

#endif /* VICINITY_KERNEL_SOCKET_H_ */
