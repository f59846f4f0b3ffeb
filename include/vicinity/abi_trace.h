/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only OR BSD-2-Clause */
/*
 * The part of abi.h that is about tracing: what hooks and socket callbacks tell while somebody
 * watches. Same rules, same version. Included by abi.h, never alone. Neither map is pinned: they
 * live as long as the daemon, and nothing that serves connects depends on them.
 */
#ifndef VICINITY_ABI_TRACE_H_
#define VICINITY_ABI_TRACE_H_

enum vic_trace_kind {
  VIC_TRACE_CHOICE = 1,      /* by a hook: what was done with a connect, or with a first datagram */
  VIC_TRACE_ESTABLISHED = 2, /* by sockops: the connection of this socket is open */
  VIC_TRACE_FAILED = 3,      /* by sockops: it never was; `result` says why */
};

enum vic_trace_flag {
  VIC_TRACE_SEND = 0x0001,   /* a datagram of an unconnected socket, not a connect */
  VIC_TRACE_MAPPED = 0x0002, /* by an IPv6 socket, to a v4-mapped address */
};

enum vic_trace_limit {
  VIC_TRACE_BYTES = 262144,
  VIC_TRACE_NAME_CHARS = 16,
};

/* Ring buffer vic_traces; writer: hooks, sockops; reader: daemon. Of kinds other than CHOICE only
 * kind, result, at and cookie are set. */
struct vic_trace {
  __u32 kind;   /* enum vic_trace_kind */
  __u32 result; /* enum vic_outcome; of FAILED the errno, 0 = given up by the application */
  __u64 at;     /* CLOCK_MONOTONIC ns */
  __u64 cookie; /* of the socket */
  __u64 netns_cookie;
  struct vic_endpoint asked;
  struct vic_endpoint chosen; /* zeros unless translated */
  __u32 flags;                /* enum vic_trace_flag */
  __u32 pid;                  /* thread group, initial pid namespace */
  char command[VIC_TRACE_NAME_CHARS];
};

/* Array vic_trace_state, one element; writer: daemon (`until`), hooks (`lost`); reader: both. */
struct vic_trace_state {
  __u64 until; /* CLOCK_MONOTONIC ns: whatever VIC_CONFIG_TRACE says, nothing is told after this */
  __u64 lost;  /* events that found no room */
};

VIC_STATIC_ASSERT(sizeof(struct vic_trace) == 96, "vic_trace");
VIC_STATIC_ASSERT(sizeof(struct vic_trace_state) == 16, "vic_trace_state");

#endif /* VICINITY_ABI_TRACE_H_ */
