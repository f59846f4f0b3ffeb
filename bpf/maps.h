/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The maps that every connect reads. Sizes marked "by the daemon" are set before loading. The
 * arrays are mapped and written by the daemon without a system call, and their lookups are inlined
 * by the JIT.
 */
#ifndef VICINITY_MAPS_H_
#define VICINITY_MAPS_H_

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>
#include <vicinity/choice.h>
#include <vicinity/layout.h>

#define VIC_MAPPED_ARRAY(name, value_type, entries) \
  struct {                                          \
    __uint(type, BPF_MAP_TYPE_ARRAY);               \
    __uint(map_flags, BPF_F_MMAPABLE);              \
    __uint(max_entries, entries);                   \
    __type(key, __u32);                             \
    __type(value, value_type);                      \
  } name SEC(".maps")

VIC_MAPPED_ARRAY(vic_config, struct vic_config, VIC_FAMILY_COUNT);
VIC_MAPPED_ARRAY(vic_frontends4, struct vic_bucket4, 1); /* by the daemon */
VIC_MAPPED_ARRAY(vic_frontends6, struct vic_bucket6, 1);
VIC_MAPPED_ARRAY(vic_hints4, struct vic_hints, 1);
VIC_MAPPED_ARRAY(vic_hints6, struct vic_hints, 1);
VIC_MAPPED_ARRAY(vic_slots4, struct vic_slot4, 1);
VIC_MAPPED_ARRAY(vic_slots6, struct vic_slot6, 1);
VIC_MAPPED_ARRAY(vic_aliases4, struct vic_alias, 1);
VIC_MAPPED_ARRAY(vic_aliases6, struct vic_alias, 1);
VIC_MAPPED_ARRAY(vic_services, struct vic_service, 1);
VIC_MAPPED_ARRAY(vic_choices, struct vic_line, 1);
/* Connections of an endpoint that are open or being opened. */
VIC_MAPPED_ARRAY(vic_active, __u64, VIC_ACTIVE_ENDPOINTS);
VIC_MAPPED_ARRAY(vic_watched, struct vic_watched, 1); /* these two by the daemon: 1 while no */
VIC_MAPPED_ARRAY(vic_notes, struct vic_note_line, 1); /* table is watched */
VIC_MAPPED_ARRAY(vic_context, struct vic_context, 1);
VIC_MAPPED_ARRAY(vic_ejections, struct vic_ejection, VIC_MAX_EJECTIONS);
/* Shards times VIC_COUNTER_SHARD, see vic_counter_index(). */
VIC_MAPPED_ARRAY(vic_counters, __u64, VIC_COUNTER_SHARD);

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, VIC_HOOK_COUNT);
  __type(key, __u32);
  __type(value, struct vic_outcomes);
} vic_outcomes SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 4096);
  __type(key, __u64);
  __type(value, struct vic_pod);
} vic_pods SEC(".maps");

#define VIC_RANGES(name, key_type)        \
  struct {                                \
    __uint(type, BPF_MAP_TYPE_LPM_TRIE);  \
    __uint(map_flags, BPF_F_NO_PREALLOC); \
    __uint(max_entries, 65536);           \
    __type(key, key_type);                \
    __type(value, __u32);                 \
  } name SEC(".maps")

VIC_RANGES(vic_ranges4, struct vic_range4);
VIC_RANGES(vic_ranges6, struct vic_range6);

struct {
  __uint(type, BPF_MAP_TYPE_RINGBUF);
  __uint(max_entries, 64 * 1024);
} vic_events SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_SK_STORAGE);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, int);
  __type(value, struct vic_counted);
} vic_counted SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_LRU_HASH);
  __uint(max_entries, 1); /* by the daemon */
  __type(key, struct vic_affinity_key);
  __type(value, struct vic_affinity);
} vic_affinities SEC(".maps");

/* Read by no program: the daemon updates its element, which takes the kernel one grace period. */
struct vic_grace_inner {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, __u32);
};

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
  __uint(max_entries, 1);
  __type(key, __u32);
  __array(values, struct vic_grace_inner);
} vic_grace SEC(".maps");

/* Frozen options: the verifier removes what they switch off. */
const volatile __u32 vic_counting = 1;
const volatile __u32 vic_shard_mask = 0;
const volatile __u32 vic_record_tcp = 0; /* TCP connections too have an origin record */
const volatile __u32 vic_mptcp = 0;      /* the kernel tells an MPTCP subflow's socket */
const volatile __u32 vic_peer_names = 0; /* enum vic_peer_names */
const volatile __u32 vic_watching = 0;   /* some table is watched */
const volatile __u32 vic_tick_ns = 0;    /* how long a jiffy lasts */

/* Whose getpeername() shows the service. */
enum vic_peer_names {
  VIC_PEER_NAMES_UDP = 1,
  VIC_PEER_NAMES_TCP = 2,
};
/* Cookie of the network namespace of process 1 when its sockets are left alone, otherwise 0. */
const volatile __u64 vic_host_netns = 0;
/* Where the daemon waits for its probe, on loopback; 0: nowhere. */
const volatile __u32 vic_probe_port = 0;

#endif /* VICINITY_MAPS_H_ */
