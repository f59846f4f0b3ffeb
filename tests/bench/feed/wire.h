/* What the programs of wire.bpf.c and their reader agree on. C and C++. */
#pragma once

#include <linux/types.h>

enum WireSizes {
  /* Bytes of a packet from its IP header on: an answer or a response of a feed is longer, an
   * acknowledgement of TCP or of HTTP/2 shorter. */
  kWireLeast = 100,
};

/* Of bpf_ktime_get_ns(); 0: not yet. */
struct WireTimes {
  __u64 arrived; /* the first packet */
  __u64 left;    /* the first one after that, in the other direction */
};
