/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Destinations: the socket address of a hook as a lookup key, and the chosen endpoint written back.
 */
#ifndef VICINITY_ADDR_H_
#define VICINITY_ADDR_H_

#include <linux/bpf.h>

#include <bpf/bpf_endian.h>
#include <vicinity/layout.h>

/* A destination; its first VIC_KEY4_WORDS or VIC_KEY6_WORDS words are the lookup key. */
union vic_destination {
  __u64 word[VIC_KEY6_WORDS];
  struct {
    __u32 address_be;
    __u16 port_be;
    __u16 realm;
  } v4;
  struct {
    __u32 address_be[4];
    __u16 port_be;
    __u16 realm;
    __u32 reserved;
  } v6;
};

/* `family` is a constant wherever these are inlined, so each hook has its own family's code only.
 */
static __always_inline __u32 vic_key_words(const enum vic_family family) {
  return family == VIC_FAMILY_IPV4 ? VIC_KEY4_WORDS : VIC_KEY6_WORDS;
}

/*
 * Destinations are put together, copied and read by the word: a word that is loaded right after its
 * halves were stored waits until both have left the store buffer, and each wait costs more than a
 * lookup's arithmetic.
 */
static __always_inline __u64 vic_word_of(__u32 first, __u32 second) {
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
  return (__u64)second << 32 | first;
#else
  return (__u64)first << 32 | second;
#endif
}

/* The half of a word that has a port and VIC_REALM_EVERYONE. */
static __always_inline __u32 vic_half_of_port(__u32 port_be) {
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
  return port_be & 0xffff;
#else
  return port_be << 16;
#endif
}

/* Two words of the hook's address at once. */
#define VIC_WIDE_IP6(ctx, index) (*(volatile __u64*)&(ctx)->user_ip6[2 * (index)])

/* Written to its end: see once.h. */
static __always_inline union vic_destination vic_destination4(__u32 address_be, __u32 port_be) {
  return (union vic_destination){
      .word = {vic_word_of(address_be, vic_half_of_port(port_be)), 0, 0}};
}

static __always_inline union vic_destination vic_destination6(struct bpf_sock_addr* ctx) {
  return (union vic_destination){.word = {VIC_WIDE_IP6(ctx, 0), VIC_WIDE_IP6(ctx, 1),
                                          vic_word_of(vic_half_of_port(ctx->user_port), 0)}};
}

static __always_inline int vic_is_mapped4(const struct bpf_sock_addr* ctx) {
  return ctx->user_ip6[0] == 0 && ctx->user_ip6[1] == 0 && ctx->user_ip6[2] == bpf_htonl(0xffff);
}

static __always_inline __u16 vic_port_be(const union vic_destination* at,
                                         const enum vic_family family) {
  return family == VIC_FAMILY_IPV4 ? at->v4.port_be : at->v6.port_be;
}

/* Word by word: clang 19 copies such a union by the byte. */
static __always_inline union vic_destination vic_copy_of(const union vic_destination* at) {
  return (union vic_destination){.word = {at->word[0], at->word[1], at->word[2]}};
}

/* The key of the entry that stands for every other port of the address. */
static __always_inline union vic_destination vic_any_port(const union vic_destination* at,
                                                          const enum vic_family family) {
  union vic_destination key = vic_copy_of(at);
  if (family == VIC_FAMILY_IPV4)
    key.word[0] &= ~vic_word_of(0, vic_half_of_port(0xffff));
  else
    key.word[2] &= ~vic_word_of(vic_half_of_port(0xffff), 0);
  return key;
}

/* The key of the same destination in another realm. */
static __always_inline union vic_destination vic_in_realm(const union vic_destination* at,
                                                          __u16 realm,
                                                          const enum vic_family family) {
  union vic_destination key = vic_copy_of(at);
  if (family == VIC_FAMILY_IPV4)
    key.v4.realm = realm;
  else
    key.v6.realm = realm;
  return key;
}

/* What vic_config's prefixes are compared with. */
static __always_inline __u64 vic_leading_bits(const union vic_destination* at,
                                              const enum vic_family family) {
  return family == VIC_FAMILY_IPV4 ? (__u64)bpf_ntohl(at->v4.address_be) << 32
                                   : bpf_be64_to_cpu(at->word[0]);
}

static __always_inline void vic_redirect4(struct bpf_sock_addr* ctx,
                                          const union vic_destination* to) {
  ctx->user_ip4 = to->v4.address_be;
  ctx->user_port = to->v4.port_be;
}

static __always_inline void vic_redirect_mapped4(struct bpf_sock_addr* ctx,
                                                 const union vic_destination* to) {
  ctx->user_ip6[3] = to->v4.address_be;
  ctx->user_port = to->v4.port_be;
  /* clang 19 would share these stores with vic_redirect6's, through a computed pointer into the
   * context, which the verifier of 6.18 and before refuses. */
  asm volatile("" ::: "memory");
}

static __always_inline void vic_redirect6(struct bpf_sock_addr* ctx,
                                          const union vic_destination* to) {
  VIC_WIDE_IP6(ctx, 0) = to->word[0];
  VIC_WIDE_IP6(ctx, 1) = to->word[1];
  ctx->user_port = to->v6.port_be;
}

#endif /* VICINITY_ADDR_H_ */
