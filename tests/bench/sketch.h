/* What the sketch's programs and its filling program agree on. C and C++. */
#pragma once

#include <linux/types.h>

enum SketchSizes {
  kSketchServices = 65536,
  kSketchEndpoints = 1048576,
};

struct SketchKey {
  __u32 address_be;
  __u32 port_be;
};

struct SketchService {
  __u32 first;
  __u32 count;
};
