/* What the sketch's programs and its filling program agree on. C and C++. */
#pragma once

#include <linux/types.h>

enum sketch_sizes {
  SKETCH_SERVICES = 65536,
  SKETCH_ENDPOINTS = 1048576,
};

struct sketch_key {
  __u32 address_be;
  __u32 port_be;
};

struct sketch_service {
  __u32 first;
  __u32 count;
};
