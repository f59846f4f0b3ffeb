/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Who asks: what the network namespace of a socket says about it. Costs a load of a line that is
 * there already, unless some socket of this node is to be treated differently from the others.
 */
#ifndef VICINITY_REALM_H_
#define VICINITY_REALM_H_

#include "lookup.h"

struct vic_client {
  __u16 realm; /* VIC_REALM_EVERYONE unless its namespace has entries of its own */
  __u16 flags; /* enum vic_pod_flag */
};

/* `ctx` of any socket hook. An element that changed hands between the lookup and the reads says so
 * by its cookie. */
static __always_inline struct vic_client vic_client_of(void* ctx, const struct vic_config* config) {
  struct vic_client client = {.realm = VIC_REALM_EVERYONE, .flags = 0};
  const int ask = (VIC_LOAD(config->flags) & VIC_CONFIG_PODS) != 0;
  if (!vic_host_netns && !ask) return client;
  const __u64 cookie = bpf_get_netns_cookie(ctx);
  if (vic_host_netns && cookie == vic_host_netns) {
    client.flags = VIC_POD_HOST_NETWORK;
    return client;
  }
  if (!ask) return client;
  const struct vic_pod* pod = bpf_map_lookup_elem(&vic_pods, &cookie);
  if (!pod) return client;
  const struct vic_client found = {.realm = VIC_LOAD(pod->realm), .flags = VIC_LOAD(pod->flags)};
  return VIC_LOAD(pod->netns_cookie) == cookie ? found : client;
}

/* The outcome of a connect to a service by a socket that is left alone; TRANSLATED: it is not. */
static __always_inline enum vic_outcome vic_left_alone(struct vic_client client) {
  if (client.flags & VIC_POD_OPTED_OUT) return VIC_OUTCOME_OPTED_OUT;
  if (client.flags & VIC_POD_CAPTURED) return VIC_OUTCOME_CAPTURED;
  if (client.flags & VIC_POD_HOST_NETWORK) return VIC_OUTCOME_HOST_NETWORK;
  return VIC_OUTCOME_TRANSLATED;
}

#endif /* VICINITY_REALM_H_ */
