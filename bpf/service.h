/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Which service a destination belongs to. An address comes before a range, and the client's own
 * namespace before everyone (semantics of the feed: design of who owns an address).
 */
#ifndef VICINITY_SERVICE_H_
#define VICINITY_SERVICE_H_

#include "once.h"
#include "ranges.h"
#include "realm.h"

static __always_inline __u64 vic_find_entry(const union vic_destination* key,
                                            const enum vic_family family) {
  const struct vic_config* config = vic_config_of(family);
  return config ? vic_find_view(config, vic_approach(config, key, 0, family), key, family) : 0;
}

VIC_VERIFIED_ONCE __u64 vic_find_entry4(const union vic_destination* key) {
  return key ? vic_find_entry(key, VIC_FAMILY_IPV4) : 0;
}

VIC_VERIFIED_ONCE __u64 vic_find_entry6(const union vic_destination* key) {
  return key ? vic_find_entry(key, VIC_FAMILY_IPV6) : 0;
}

static __always_inline __u64 vic_find_key(const union vic_destination* key,
                                          const enum vic_family family) {
  return family == VIC_FAMILY_IPV4 ? vic_find_entry4(key) : vic_find_entry6(key);
}

/* The view of the address on any other port. */
static __always_inline __u64 vic_find_any_port(const union vic_destination* at,
                                               const enum vic_family family) {
  const union vic_destination key = vic_any_port(at, family);
  return vic_find_key(&key, family);
}

/* `at` becomes the key that was found. */
static __always_inline __u64 vic_find_address(union vic_destination* at,
                                              const union vic_destination* key,
                                              const enum vic_family family) {
  __u64 view = vic_find_key(key, family);
  if (!view) view = vic_find_any_port(key, family);
  if (view) *at = *key;
  return view;
}

static __always_inline __u64 vic_find_in_realm(union vic_destination* at, __u32 realm,
                                               const enum vic_family family) {
  if (!at) return 0;
  const union vic_destination key = vic_in_realm(at, (__u16)realm, family);
  return vic_find_address(at, &key, family);
}

static __always_inline __u64 vic_find_in_range(union vic_destination* at, __u32 realm,
                                               const enum vic_family family) {
  if (!at) return 0;
  union vic_destination key = *at;
  return vic_enter_range(&key, (__u16)realm, family) ? vic_find_address(at, &key, family) : 0;
}

/* Most nodes have neither realms nor ranges. */
VIC_VERIFIED_ONCE __u64 vic_find_in_realm4(union vic_destination* at, __u32 realm) {
  return vic_find_in_realm(at, realm, VIC_FAMILY_IPV4);
}

VIC_VERIFIED_ONCE __u64 vic_find_in_realm6(union vic_destination* at, __u32 realm) {
  return vic_find_in_realm(at, realm, VIC_FAMILY_IPV6);
}

VIC_VERIFIED_ONCE __u64 vic_find_in_range4(union vic_destination* at, __u32 realm) {
  return vic_find_in_range(at, realm, VIC_FAMILY_IPV4);
}

VIC_VERIFIED_ONCE __u64 vic_find_in_range6(union vic_destination* at, __u32 realm) {
  return vic_find_in_range(at, realm, VIC_FAMILY_IPV6);
}

static __always_inline __u64 vic_find_ranged(union vic_destination* at, __u32 realm,
                                             const enum vic_family family) {
  return family == VIC_FAMILY_IPV4 ? vic_find_in_range4(at, realm) : vic_find_in_range6(at, realm);
}

static __always_inline __u64 vic_find_by_address(const struct vic_config* config,
                                                 struct vic_place place, union vic_destination* at,
                                                 __u32 realm, const enum vic_family family) {
  __u64 view = 0;
  if (realm)
    view =
        family == VIC_FAMILY_IPV4 ? vic_find_in_realm4(at, realm) : vic_find_in_realm6(at, realm);
  if (!view) view = vic_find_view(config, place, at, family);
  return view ? view : vic_find_any_port(at, family);
}

/* The view of the service that a destination belongs to, whose key `at` becomes; 0 = none. */
static __always_inline __u64 vic_find_service(const struct vic_config* config,
                                              struct vic_place place, union vic_destination* at,
                                              __u32 realm, const enum vic_family family) {
  const int ranges = vic_has_ranges(config);
  __u64 view = 0;
  if (!ranges || vic_hints_of(config, at, family))
    view = vic_find_by_address(config, place, at, realm, family);
  if (view || !ranges) return view;
  if (realm) view = vic_find_ranged(at, realm, family);
  return view ? view : vic_find_ranged(at, VIC_REALM_EVERYONE, family);
}

#endif /* VICINITY_SERVICE_H_ */
