/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * TCP: one choice per connect(), and a record of it only when somebody asked for records
 * (vic_record_tcp): it would cost more than all the rest.
 */
#ifndef VICINITY_TCP_H_
#define VICINITY_TCP_H_

#include "flow.h"
#include "mptcp.h"
#include "trace.h"

/* `backend` 0: the connection is not ours. MPTCP's storage is overwritten then: a record of zeros
 * matches no peer. */
static __always_inline int vic_record_connect(struct bpf_sock_addr* ctx,
                                              const union vic_destination* service,
                                              const union vic_destination* backend,
                                              const enum vic_family family) {
  struct vic_origin origin = {};
  if (backend) {
    origin.service = vic_endpoint_at(service, family, IPPROTO_TCP);
    origin.backend = vic_endpoint_at(backend, family, IPPROTO_TCP);
    origin.flags = VIC_ORIGIN_CONNECTED;
    origin.netns_cookie = bpf_get_netns_cookie(ctx);
  }
  if (vic_record_mptcp(ctx, &origin)) return 0;
  const __u64 cookie = bpf_get_socket_cookie(ctx);
  if (backend) return vic_record_origin(cookie, &origin, BPF_ANY) == 0;
  vic_drop_origin(cookie);
  return 0;
}

VIC_VERIFIED_ONCE int vic_record_connect4(struct bpf_sock_addr* ctx,
                                          const union vic_destination* service,
                                          const union vic_destination* backend) {
  return service ? vic_record_connect(ctx, service, backend, VIC_FAMILY_IPV4) : 0;
}

VIC_VERIFIED_ONCE int vic_record_connect6(struct bpf_sock_addr* ctx,
                                          const union vic_destination* service,
                                          const union vic_destination* backend) {
  return service ? vic_record_connect(ctx, service, backend, VIC_FAMILY_IPV6) : 0;
}

static __always_inline enum vic_outcome vic_balance_tcp(struct bpf_sock_addr* ctx,
                                                        union vic_destination* at,
                                                        const enum vic_family family) {
  const union vic_destination service = *at;
  const int balanced = vic_balance_any(ctx, at, family);
  const enum vic_outcome outcome = balanced & VIC_BALANCED_OUTCOME;
  if (balanced & VIC_BALANCED_TRACED)
    vic_trace_choice(ctx, &service, at, vic_told(outcome, family, 0));
  if (!vic_record_tcp) return outcome;
  const union vic_destination* backend = outcome == VIC_OUTCOME_TRANSLATED ? at : 0;
  if (family == VIC_FAMILY_IPV4)
    vic_record_connect4(ctx, &service, backend);
  else
    vic_record_connect6(ctx, &service, backend);
  return outcome;
}

#endif /* VICINITY_TCP_H_ */
