/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only OR BSD-2-Clause */
/*
 * The part of abi.h that is about single sockets: what is remembered of those that were translated,
 * and which are to be closed. Same rules, same version. Included by abi.h, never alone.
 */
#ifndef VICINITY_ABI_SOCKETS_H_
#define VICINITY_ABI_SOCKETS_H_

/* An address, a port and what speaks there. Compared whole. */
struct vic_endpoint {
  __u32 address_be[4]; /* IPv4 in [0], the rest 0; also for sockets that show the mapped form */
  __u16 port_be;
  __u8 family;   /* enum vic_family */
  __u8 protocol; /* IPPROTO_TCP, IPPROTO_UDP */
};

enum vic_origin_flag {
  /* By connect(): the socket's peer is the backend, unless it was disconnected since. */
  VIC_ORIGIN_CONNECTED = 0x0001,
  /* The backend is no endpoint of the service any more: the next use chooses again. Set by
   * vic_retire on behalf of the daemon. */
  VIC_ORIGIN_GONE = 0x0002,
  /* For counting connections by endpoint: `active` was added to. */
  VIC_ORIGIN_COUNTED = 0x0004,
};

/*
 * What a socket asked for and what it got. One per socket: of a connected one its connection, of an
 * unconnected one the first service it sent to. Rules in docs/decisions/004-origin-records.md.
 * Hash vic_origins by socket cookie, socket storage vic_mptcp_origins; writer: hooks; reader:
 * hooks, daemon.
 */
struct vic_origin {
  struct vic_endpoint service;
  struct vic_endpoint backend;
  __u32 flags;  /* enum vic_origin_flag; changed in place, by atomic operations only */
  __u32 active; /* UDP: the endpoint as vic_member has it, for its errors; 0 = not watched */
  __u64 netns_cookie;
  __u64 started_at; /* for timing connects: CLOCK_MONOTONIC ns, 0 = not timed */
};

/* id: 0 = the head of the socket's chain; otherwise layout.h's vic_pair_id(). */
struct vic_pair_key {
  __u64 cookie;
  __u64 id;
};

/*
 * One more service that an unconnected socket sends to. Twice in the map, by its service and by its
 * backend; those by service are chained, so that they can be deleted with the socket.
 * Hash vic_pairs; writer: hooks; reader: hooks, daemon.
 */
struct vic_pair {
  struct vic_endpoint service;
  struct vic_endpoint backend;
  __u32 flags;  /* VIC_ORIGIN_GONE */
  __u32 active; /* as vic_origin has it */
  __u64 next;   /* id of the next one by service; 0 = the last */
};

/* Argument of the program vic_retire: sets VIC_ORIGIN_GONE where the backend still is this one. */
struct vic_retirement {
  __u64 cookie;
  __u64 pair; /* id in vic_pairs; 0 = the record in vic_origins */
  struct vic_endpoint backend;
  __u32 reserved; /* 0 */
};

/*
 * A socket to be closed, if it is still connected to this backend.
 * Hash vic_doomed by socket cookie; writer: daemon; reader: iterators, which set `destroyed`.
 */
struct vic_doom {
  struct vic_endpoint backend;
  __u32 destroyed;
};

VIC_STATIC_ASSERT(sizeof(struct vic_endpoint) == 20, "vic_endpoint");
VIC_STATIC_ASSERT(sizeof(struct vic_origin) == 64, "vic_origin");
VIC_STATIC_ASSERT(sizeof(struct vic_pair_key) == 16, "vic_pair_key");
VIC_STATIC_ASSERT(sizeof(struct vic_pair) == 56, "vic_pair");
VIC_STATIC_ASSERT(sizeof(struct vic_retirement) == 40, "vic_retirement");
VIC_STATIC_ASSERT(sizeof(struct vic_doom) == 24, "vic_doom");

#endif /* VICINITY_ABI_SOCKETS_H_ */
