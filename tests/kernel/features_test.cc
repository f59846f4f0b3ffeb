// What the probes say of the kernel that runs this: the programs load here, so all that they need
// is there; what newer kernels have is where its version says it is.
#include "dataplane/features.h"

#include <gtest/gtest.h>

#include <cstdio>

#include "support/gtest_support.h"

namespace vicinity::testing {
namespace {

TEST(KernelFeaturesTest, WhatIsNeededIsHere) {
  VICINITY_ROOT_OR_FAIL();
  const dataplane::Features& features = dataplane::kernel_features();
  VICINITY_EXPECT_OK(dataplane::check_needed(features));
  for (const char* name : {"connect_hooks", "ring_buffer", "set_retval", "netns_cookie",
                           "socket_storage", "sock_ops", "kernel_btf"}) {
    EXPECT_TRUE(dataplane::has(features, name)) << name << " on " << features.kernel;
  }
}

TEST(KernelFeaturesTest, SocketsAreDestroyedByProgramsFrom65On) {
  VICINITY_ROOT_OR_FAIL();
  const dataplane::Features& features = dataplane::kernel_features();
  int major = 0;
  int minor = 0;
  ASSERT_EQ(std::sscanf(features.kernel.c_str(), "%d.%d", &major, &minor), 2) << features.kernel;
  EXPECT_EQ(dataplane::has(features, "sock_destroy"), major > 6 || (major == 6 && minor >= 5))
      << features.kernel;
}

}  // namespace
}  // namespace vicinity::testing
