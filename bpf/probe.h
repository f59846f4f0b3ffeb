/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The daemon's probe: a connect to an address that is nobody's, from a child of its own, which only
 * these hooks lead to a listener. Asked when a destination is no service.
 */
#ifndef VICINITY_PROBE_H_
#define VICINITY_PROBE_H_

#include <bpf/bpf_endian.h>

#include "maps.h"

enum { VIC_LOOPBACK = 0x7f000001 };

static __always_inline int vic_answer_probe(struct bpf_sock_addr* ctx) {
  if (!vic_probe_port || ctx->user_ip4 != bpf_htonl(VIC_PROBE_ADDRESS)) return 0;
  if ((__u16)ctx->user_port != bpf_htons(VIC_PROBE_PORT)) return 0;
  ctx->user_ip4 = bpf_htonl(VIC_LOOPBACK);
  ctx->user_port = bpf_htons(vic_probe_port);
  return 1;
}

#endif /* VICINITY_PROBE_H_ */
