/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only OR BSD-2-Clause */
/*
 * The contract between the kernel programs (bpf/) and the daemon (daemon/dataplane/): every struct,
 * enum and limit that both sides see. Included from C11 (BPF target) and C++20.
 *
 * Rules: fixed-width types, every pad byte named, byte order in the name (`_be` = network order,
 * otherwise host order), enums explicit and append-only. VICINITY_ABI_VERSION is part of the pin
 * path; anything that changes the meaning of a byte below bumps it, and a new version never reads
 * the maps of an old one.
 *
 * How a connect walks these tables (IPv4; IPv6 is the same with the `6` maps):
 *
 *   vic_config[VIC_FAMILY_IPV4]   lease, prefixes, {base, mask} of the frontend table in use
 *     -> vic_frontends4[bucket]   two candidate buckets of one cache line; the entry's `view`
 *                                 (vic_hints4: if at all, and what to fetch meanwhile)
 *       -> vic_slots4[slot]       the endpoint; with unequal shares vic_aliases4[slot] first
 *         -> vic_counters[...]    one add, by the slot's `counter`
 *
 * Where the configuration line says so, the socket's network namespace is looked up in vic_pods
 * first (who it belongs to, whether it is balanced at all), and address ranges in vic_ranges4 last.
 *
 * Index 0 of vic_services and of the slot arenas is never used, so zero always means "none".
 */
#ifndef VICINITY_ABI_H_
#define VICINITY_ABI_H_

#include <linux/types.h>

#ifdef __cplusplus
#define VIC_STATIC_ASSERT static_assert
#else
#define VIC_STATIC_ASSERT _Static_assert
#endif

#define VICINITY_ABI_VERSION 6

/* Index into vic_config, and the family byte of a service record. */
enum vic_family {
  VIC_FAMILY_IPV4 = 0,
  VIC_FAMILY_IPV6 = 1,
  VIC_FAMILY_COUNT = 2,
};

enum vic_limit {
  VIC_BUCKET4_ENTRIES = 4,
  VIC_BUCKET6_ENTRIES = 2,
  VIC_CONFIG_PREFIXES = 3,
  /* What all ABI versions have in common: the beginning of each line of vic_config. */
  VIC_CONFIG_COMMON_BYTES = 28,
  /* Tiers of one table. Tiers without load beyond the last one are merged into it. */
  VIC_MAX_TIERS = 16,
  /* Loaded slots of one table: `count` of a view has 16 bits. */
  VIC_MAX_LOADED_SLOTS = 65535,
  /* Where the daemon's probe connects to: 127.86.73.67, of which nothing else has a use. */
  VIC_PROBE_ADDRESS = 0x7f564943,
  VIC_PROBE_PORT = 1,
  VIC_NAME_CHARS = 64,
  VIC_NAME_MORE_CHARS = 200,
  VIC_CONTEXT_CHARS = 256,
  /* Rows of vic_counters: a slot's `counter` is row << 4 | tier. Row 0 means "ask for a row", the
   * last row is shared by every service that came when the pool was empty. */
  VIC_COUNTER_ROWS = 4096,
  VIC_COUNTER_ROW_SHARED = 4095,
  /* Sockets with a record, and elements of vic_pairs. Memory is taken as they come. */
  VIC_MAX_ORIGINS = 262144,
  VIC_MAX_PAIRS = 131072,
  /* Elements of vic_active; 0 is never used. */
  VIC_ACTIVE_ENDPOINTS = 32768,
  /* Clients remembered for session affinity, once a table wants it; the longest unused go first. */
  VIC_AFFINITIES = 65536,
  VIC_MAX_DOOMED = 65536,
};

/*
 * What a frontend entry leads to. One aligned 64-bit word, always stored and loaded whole: the
 * store publishes a service's table.
 */
struct vic_view {
  __u32 first; /* index of the first slot; for other algorithms than random, of the table's block
                  in vic_choices (choice.h); where nothing is chosen (count == 0, passthrough, the
                  port-0 entry), of the vic_services record */
  __u16 count; /* slots that carry load; 0 = empty. Passthrough: enum vic_pass */
  __u16 flags; /* enum vic_view_flag, algorithm in VIC_VIEW_ALGORITHM_MASK */
};

enum vic_view_flag {
  VIC_VIEW_VALID = 0x0001,        /* set in every view in use: a zero word is no service */
  VIC_VIEW_WEIGHTED = 0x0002,     /* consult vic_aliases */
  VIC_VIEW_PASS_EMPTY = 0x0004,   /* count == 0: leave the socket alone; otherwise refuse it */
  VIC_VIEW_PASSTHROUGH = 0x0008,  /* PASSTHROUGH service: never rewritten, counted as such */
  VIC_VIEW_UNKNOWN_PORT = 0x0010, /* the port-0 entry of a service address */
  VIC_VIEW_ALGORITHM_SHIFT = 8,
  VIC_VIEW_ALGORITHM_MASK = 0x0700,
  /* Which cache line of vic_counters the service counts in (vic_counter_hint): lets a hook fetch it
   * while the slot is on its way. Only a hint, it may be stale. */
  VIC_VIEW_HINT_MASK = 0xf8e0,
};

/* Why a passthrough table leaves connections alone. */
enum vic_pass {
  VIC_PASS_PASSTHROUGH = 0, /* the service asks for it */
  VIC_PASS_WAYPOINT = 1,    /* its waypoint balances */
};

enum vic_algorithm {
  VIC_ALGORITHM_RANDOM = 0,
  VIC_ALGORITHM_ROUND_ROBIN = 1,
  VIC_ALGORITHM_LEAST_REQUEST = 2,
  VIC_ALGORITHM_RING_HASH = 3,
  VIC_ALGORITHM_MAGLEV = 4,
  VIC_ALGORITHM_BLOCK_RANDOM = 5, /* only in views: random by a block, for affinity or because the
                                     table is watched */
};

/* Values of the routing mode as explained to people; the hooks do not read it. */
enum vic_mode {
  VIC_MODE_ANY = 0,
  VIC_MODE_STRICT = 1,
  VIC_MODE_FAILOVER = 2,
  VIC_MODE_PASSTHROUGH = 3,
  VIC_MODE_PRIORITIZED = 4,
  VIC_MODE_DISTRIBUTE = 5,
};

/*
 * One service address and port. Key = the first eight bytes, one 64-bit word. port_be == 0: any
 * port of this address that is not on the service.
 * Map vic_frontends4 (inside vic_bucket4); writer: daemon; reader: connect4, connect6 (v4-mapped).
 */
struct vic_frontend4 {
  __u32 address_be;
  __u16 port_be;
  __u16 realm; /* 0 = everyone, otherwise only sockets of that realm (vic_pod); VIC_REALM_RANGE */
  struct vic_view view;
};

enum vic_realm {
  VIC_REALM_EVERYONE = 0,
  /* Set in the realm of a range's entries, whose address is the range's mark (vic_range_word). */
  VIC_REALM_RANGE = 0x8000,
};

/* As vic_frontend4. Map vic_frontends6 (inside vic_bucket6); writer: daemon; reader: connect6. */
struct vic_frontend6 {
  __u32 address_be[4];
  __u16 port_be;
  __u16 realm;
  __u32 reserved; /* 0 */
  struct vic_view view;
};

/* One cache line of entries. Array vic_frontends4; writer: daemon; reader: connect hooks. */
struct vic_bucket4 {
  struct vic_frontend4 entries[VIC_BUCKET4_ENTRIES];
};

/* One cache line of entries. Array vic_frontends6; writer: daemon; reader: connect6. */
struct vic_bucket6 {
  struct vic_frontend6 entries[VIC_BUCKET6_ENTRIES];
};

/*
 * One endpoint of one table. A table's slots are two blocks, each in order of tier: those that
 * carry load, which hooks draw from, and elsewhere those of tiers without load, so that what is
 * read at connect time lies on few pages. Immutable while reachable, but for `counter`, which the
 * daemon sets in place when the service is first used. Array vic_slots4; writer: daemon; reader:
 * connect hooks.
 */
struct vic_slot4 {
  __u32 address_be;
  __u16 port_be;
  __u16 counter; /* row << 4 | tier */
};

/* As vic_slot4. Array vic_slots6; writer: daemon; reader: connect6. */
struct vic_slot6 {
  __u32 address_be[4];
  __u16 port_be;
  __u16 counter;
  __u32 reserved; /* 0 */
};

/*
 * Walker's alias table over a table's loaded slots, index for index beside vic_slots. Only tables
 * with a weight other than 1 or with unequal shares live in the part of the slot arena that has
 * aliases (indices below the map's max_entries). A draw takes a 32-bit random r, m = r * count:
 * m >> 32 is the slot i; it is kept if ((m >> 16) & 0xffff) < threshold, else `other` is taken.
 * Arrays vic_aliases4, vic_aliases6; writer: daemon; reader: connect hooks.
 */
struct vic_alias {
  __u16 threshold;
  __u16 other;  /* relative to the table's first slot */
  __u32 weight; /* the endpoint's own weight, for people and for adoption */
};

/* A 64-bit word, stored and loaded whole: the part of vic_frontends in use. */
struct vic_table {
  __u32 base; /* first bucket */
  __u32 mask; /* buckets - 1; the number of buckets is a power of two */
};

enum vic_config_flag {
  VIC_CONFIG_UNKNOWN_PORT_REFUSE = 0x0001,
  /* The prefixes are complete: what they do not cover is no service. */
  VIC_CONFIG_PREFIXES_COMPLETE = 0x0002,
  /* Some entries found no room in their buckets and are in the overflow buckets (layout.h). */
  VIC_CONFIG_OVERFLOW = 0x0004,
  /* vic_pods matters to some socket of this node. */
  VIC_CONFIG_PODS = 0x0008,
  /* There are address ranges of this family: what no entry matches may be in one. */
  VIC_CONFIG_RANGES = 0x0010,
  /* Somebody watches the choices: abi_trace.h. */
  VIC_CONFIG_TRACE = 0x0020,
};

/*
 * The line every hook reads first; the tables are followed only while the lease runs. lease_until,
 * self_until, self_tgid: at these places in every ABI version; a daemon of another one renews them.
 * Array vic_config, element per vic_family; writer: daemon; reader: every hook.
 */
struct vic_config {
  struct vic_table table;
  __u64 lease_until; /* CLOCK_MONOTONIC ns; 0 = no lease */
  __u64 self_until;  /* CLOCK_MONOTONIC ns until which self_tgid is this daemon */
  __u32 self_tgid;   /* thread group whose sockets are never translated, initial pid namespace */
  __u32 flags;       /* enum vic_config_flag */
  __u64 lease_ticks; /* jiffies until which the lease surely runs: spares hooks the exact clock */
  /* One word each, widened by one store. The upper 56 bits begin a destination's first 64 bits in
   * host order (IPv4: the upper 32), the lower 8 are a shift (8..63): covers when (destination ^
   * prefix) >> shift == 0. 0 = not in use. */
  __u64 prefixes[VIC_CONFIG_PREFIXES];
};

/* One tier of a table, in order of preference. */
struct vic_tier {
  __u16 count; /* slots */
  __u8 priority;
  __u8 load_percent;
};

/* What ring hash and Maglev hash. */
enum vic_hash_input {
  VIC_HASH_SOURCE_IP = 0,
  VIC_HASH_RANDOM = 1,
};

/* What a table's algorithm was configured with; fields it does not use have their defaults. */
struct vic_parameters {
  __u32 maglev_size;
  __u32 ring_min;
  __u32 ring_max;
  __u32 affinity_s; /* 0 = no affinity */
  __u16 bias_permille;
  __u8 choice_count;
  __u8 hash_input; /* enum vic_hash_input */
  /* Failure detection; 0 without VIC_SERVICE_WATCHED. */
  __u32 refused_in_row;
  __u32 timeouts_in_row;
  __u32 suspicion_ms;
  __u32 most_suspects;
};

enum vic_service_flag {
  VIC_SERVICE_USED = 0x0001,         /* a table; clear = free */
  VIC_SERVICE_MORE = 0x0002,         /* a continuation: struct vic_service_more */
  VIC_SERVICE_ALIASES = 0x0004,      /* its slots have vic_aliases entries */
  VIC_SERVICE_HAD_WORKLOAD = 0x0008, /* a workload of this service was seen once */
  VIC_SERVICE_HEAD = 0x0010,         /* the service itself: name, counter row; the port-0 entries'
                                        record */
  VIC_SERVICE_WATCHED = 0x0020,      /* what became of connects to its endpoints is seen */
};

/*
 * One table: a (service, port, family), written once and replaced by another record when the table
 * changes; or the service's head, which lives as long as the service. Read by people and by the
 * daemon at adoption; a hook only looks for the row of a refused connect.
 * Array vic_services; writer: daemon; reader: daemon, vicinityctl, bpftool.
 */
struct vic_service {
  __u32 flags;  /* enum vic_service_flag */
  __u32 more;   /* record with the rest of the name; 0 = none */
  __u32 first;  /* first of the slots with load */
  __u32 total;  /* slots with and without load */
  __u16 loaded; /* slots with load = the view's count */
  __u16 port;   /* host order */
  __u16 view_flags;
  __u16 counter_row; /* 0 = none yet */
  __u8 family;       /* enum vic_family */
  __u8 mode;         /* enum vic_mode */
  __u8 algorithm;    /* enum vic_algorithm */
  __u8 tier_count;
  __u16 name_length; /* whole name, also when it continues in `more` */
  __u16 pass;        /* enum vic_pass, of a passthrough table */
  __u32 rest;        /* first of the slots without load */
  struct vic_tier tiers[VIC_MAX_TIERS];
  struct vic_parameters parameters;
  __u32 choices;             /* first line of its block in vic_choices; 0 = none */
  __u32 choice_lines;        /* lines of the block */
  char name[VIC_NAME_CHARS]; /* namespace/hostname */
};

/* The rest of a name longer than VIC_NAME_CHARS. An element of vic_services like the others. */
struct vic_service_more {
  __u32 flags; /* VIC_SERVICE_MORE */
  __u32 more;
  char name[VIC_NAME_MORE_CHARS];
};

/* Index of the members of vic_outcomes. */
enum vic_outcome {
  VIC_OUTCOME_TRANSLATED = 0,
  VIC_OUTCOME_NOT_A_SERVICE = 1,
  VIC_OUTCOME_REFUSED_EMPTY = 2,
  VIC_OUTCOME_PASSED_EMPTY = 3,
  VIC_OUTCOME_PASSED_PASSTHROUGH = 4,
  VIC_OUTCOME_UNKNOWN_PORT_PASSED = 5,
  VIC_OUTCOME_UNKNOWN_PORT_REFUSED = 6,
  VIC_OUTCOME_LEASE_EXPIRED = 7,
  VIC_OUTCOME_OWN_SOCKET = 8,
  VIC_OUTCOME_INTERNAL_ERROR = 9,
  VIC_OUTCOME_UNRECORDED = 10,
  VIC_OUTCOME_PASSED_WAYPOINT = 11,
  VIC_OUTCOME_OPTED_OUT = 12,
  VIC_OUTCOME_CAPTURED = 13,
  VIC_OUTCOME_HOST_NETWORK = 14,
  VIC_OUTCOME_KERNEL_SOCKET = 15,
  VIC_OUTCOME_COUNT = 16,
};

/* Index into vic_outcomes. */
enum vic_hook {
  VIC_HOOK_CONNECT4 = 0,
  VIC_HOOK_CONNECT6 = 1,
  VIC_HOOK_SENDMSG4 = 2,
  VIC_HOOK_SENDMSG6 = 3,
  VIC_HOOK_COUNT = 4,
};

/*
 * What the connect hooks did, counted per CPU.
 * Per-CPU array vic_outcomes, element per vic_hook; writer: hooks; reader: daemon, bpftool.
 */
struct vic_outcomes {
  __u64 translated; /* stays 0 here: the sum of vic_counters */
  __u64 not_a_service;
  __u64 refused_empty;
  __u64 passed_empty;
  __u64 passed_passthrough;
  __u64 unknown_port_passed;
  __u64 unknown_port_refused;
  __u64 lease_expired;
  __u64 own_socket;
  __u64 internal_error; /* a lookup that cannot fail did: passed unrewritten */
  __u64 unrecorded;     /* UDP, and no room to remember it: passed unrewritten */
  __u64 passed_waypoint;
  __u64 opted_out; /* these three: to a service, by a socket whose namespace is left alone */
  __u64 captured;
  __u64 host_network;
  __u64 kernel_socket; /* connected by a kernel thread: MPTCP's further subflows, NFS, SMB */
};

enum vic_pod_flag {
  VIC_POD_OPTED_OUT = 0x0001,    /* the pod, or its namespace, is not to be balanced */
  VIC_POD_CAPTURED = 0x0002,     /* ztunnel or a sidecar listens in it */
  VIC_POD_HOST_NETWORK = 0x0004, /* the namespace of process 1; not in vic_pods, see maps.h */
  VIC_POD_ADDRESS4 = 0x0100,     /* address4_be is known */
  VIC_POD_ADDRESS6 = 0x0200,     /* address6_be is known */
};

/*
 * The pod behind a network namespace. The key is the namespace's cookie (bpf_get_netns_cookie,
 * SO_NETNS_COOKIE), which the value repeats: a reader that finds another one there saw an element
 * change hands, and knows nothing of the pod. A namespace that is not here follows the node's
 * tables. Hash vic_pods; writer: daemon; reader: every hook when VIC_CONFIG_PODS is set, hashing by
 * source whenever it wants the pod's address.
 */
struct vic_pod {
  __u64 netns_cookie;
  __u16 realm; /* looked up before VIC_REALM_EVERYONE; 0 = none of its own */
  __u16 flags; /* enum vic_pod_flag */
  __u32 address4_be;
  __u32 address6_be[4];
};

/* One process, as the iterator vic_tasks (pods.bpf.c) writes them; reader: daemon. */
struct vic_task {
  __u64 netns_cookie;
  __u32 pid;      /* in the daemon's pid namespace */
  __u32 reserved; /* 0 */
};

/*
 * The ranges of service addresses, to find the longest one that holds a destination: the range's
 * own entries are in vic_frontends. Keys of LPM tries: prefix_length counts the 32 bits of `realm`
 * too. Value: __u32, the range's length in bits. Maps vic_ranges4, vic_ranges6; writer: daemon;
 * reader: hooks when VIC_CONFIG_RANGES is set.
 */
struct vic_range4 {
  __u32 prefix_length;
  __u32 realm;
  __u32 address_be;
};

struct vic_range6 {
  __u32 prefix_length;
  __u32 realm;
  __u32 address_be[4];
};

/*
 * Where this node is, as last learned from the feed; NUL-terminated. Kept beside the tables so that
 * a restarted daemon ranks as its predecessor did until the feed says otherwise.
 * Array vic_context, one element; writer: daemon; reader: daemon, bpftool.
 */
struct vic_context {
  __u32 known;    /* 0: never learned */
  __u32 reserved; /* 0 */
  char network[VIC_CONTEXT_CHARS];
  char cluster[VIC_CONTEXT_CHARS];
  char region[VIC_CONTEXT_CHARS];
  char zone[VIC_CONTEXT_CHARS];
  char subzone[VIC_CONTEXT_CHARS];
  char node[VIC_CONTEXT_CHARS];
};

/*
 * What a socket's connection is counted as. Socket storage vic_counted, only of sockets that a
 * least request table sent somewhere; writer and reader: hooks.
 */
struct vic_counted {
  __u32 noted;      /* element of vic_active that the next TCP_CONNECT_CB counts in; 0 = none */
  __u32 active;     /* the element it is counted in; 0 = not counted */
  __u32 address_be; /* where `noted` holds: the endpoint's address, of IPv6 the last word */
  __u16 port_be;
  __u16 reserved; /* 0 */
};

/* A client of one table, by vic_client_hash and vic_choice_head.table_id. */
struct vic_affinity_key {
  __u64 client;
  __u64 table_id;
};

/* What it keeps. LRU hash vic_affinities; writer and reader: connect hooks. */
struct vic_affinity {
  __u32 address_be[4]; /* IPv4 in [0] */
  __u16 port_be;
  __u16 reserved; /* 0 */
  __u32 slot;     /* where it was last found */
  __u64 used_at;  /* CLOCK_MONOTONIC ns, coarse, of the last connect */
};

enum vic_event_kind {
  VIC_EVENT_FIRST_USE = 1, /* a slot of counter row 0 was chosen: the service wants a row */
  VIC_EVENT_SUSPICION = 2, /* struct vic_watch_event */
};

/* Ring buffer vic_events; writer: hooks; reader: daemon. Addresses are the service's. */
struct vic_event {
  __u32 kind; /* enum vic_event_kind */
  __u8 family;
  __u8 reserved0;
  __u16 port_be;
  __u32 address_be[4]; /* IPv4 in [0] */
  __u32 realm;         /* of the entry that was found */
};

VIC_STATIC_ASSERT(sizeof(struct vic_view) == 8, "vic_view");
VIC_STATIC_ASSERT(sizeof(struct vic_frontend4) == 16, "vic_frontend4");
VIC_STATIC_ASSERT(sizeof(struct vic_frontend6) == 32, "vic_frontend6");
VIC_STATIC_ASSERT(sizeof(struct vic_bucket4) == 64, "vic_bucket4");
VIC_STATIC_ASSERT(sizeof(struct vic_bucket6) == 64, "vic_bucket6");
VIC_STATIC_ASSERT(sizeof(struct vic_slot4) == 8, "vic_slot4");
VIC_STATIC_ASSERT(sizeof(struct vic_slot6) == 24, "vic_slot6");
VIC_STATIC_ASSERT(sizeof(struct vic_alias) == 8, "vic_alias");
VIC_STATIC_ASSERT(sizeof(struct vic_table) == 8, "vic_table");
VIC_STATIC_ASSERT(sizeof(struct vic_config) == 64, "vic_config");
VIC_STATIC_ASSERT(__builtin_offsetof(struct vic_config, lease_until) == 8, "all versions");
VIC_STATIC_ASSERT(__builtin_offsetof(struct vic_config, self_until) == 16, "all versions");
VIC_STATIC_ASSERT(__builtin_offsetof(struct vic_config, self_tgid) == 24, "all versions");
VIC_STATIC_ASSERT(sizeof(struct vic_tier) == 4, "vic_tier");
VIC_STATIC_ASSERT(sizeof(struct vic_parameters) == 36, "vic_parameters");
VIC_STATIC_ASSERT(sizeof(struct vic_service) == 208, "vic_service");
VIC_STATIC_ASSERT(sizeof(struct vic_service_more) == 208, "vic_service_more");
VIC_STATIC_ASSERT(sizeof(struct vic_outcomes) == 128, "vic_outcomes");
VIC_STATIC_ASSERT(sizeof(struct vic_pod) == 32, "vic_pod");
VIC_STATIC_ASSERT(sizeof(struct vic_task) == 16, "vic_task");
VIC_STATIC_ASSERT(sizeof(struct vic_range4) == 12, "vic_range4");
VIC_STATIC_ASSERT(sizeof(struct vic_range6) == 24, "vic_range6");
VIC_STATIC_ASSERT(sizeof(struct vic_context) == 1544, "vic_context");
VIC_STATIC_ASSERT(sizeof(struct vic_event) == 28, "vic_event");
VIC_STATIC_ASSERT(sizeof(struct vic_affinity_key) == 16, "vic_affinity_key");
VIC_STATIC_ASSERT(sizeof(struct vic_affinity) == 32, "vic_affinity");
VIC_STATIC_ASSERT(sizeof(struct vic_counted) == 16, "vic_counted");

#include <vicinity/abi_sockets.h>
#include <vicinity/abi_trace.h>
#include <vicinity/abi_watch.h>

#endif /* VICINITY_ABI_H_ */
