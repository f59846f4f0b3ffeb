/*
 * What is kept of ejected endpoints over a restart of the daemon. No program of the kernel reads
 * it. Part of abi.h, whose rules hold here too.
 */
#ifndef VICINITY_ABI_EJECTIONS_H_
#define VICINITY_ABI_EJECTIONS_H_

#include <linux/types.h>

#define VIC_EJECTION_SERVICE_CHARS 320u
#define VIC_MAX_EJECTIONS 4096u

/*
 * Array vic_ejections; writer and reader: daemon. `used` is stored last, and cleared first, so that
 * a daemon that was killed meanwhile leaves no half of one.
 */
struct vic_ejection {
  char service[VIC_EJECTION_SERVICE_CHARS]; /* "namespace/hostname", NUL-terminated */
  __u8 address[16];                         /* network order; IPv4 the first four */
  __u64 at_ns;                              /* since 1970, of a clock that does not step */
  __u64 until_ns;                           /* likewise */
  __u32 multiplier;                         /* ejections in a row */
  __u16 service_port;                       /* host order */
  __u16 port;                               /* host order */
  __u32 used;                               /* 0: nothing is here */
  __u8 family;                              /* enum vic_family */
  __u8 cause;                               /* health::Cause */
  __u8 reserved[2];                         /* 0 */
};

VIC_STATIC_ASSERT(sizeof(struct vic_ejection) == 368, "vic_ejection");

#endif /* VICINITY_ABI_EJECTIONS_H_ */
