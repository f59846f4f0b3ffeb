// What is said of a kernel that lacks something, and of this one.
#include "dataplane/features.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/bpf.h>

#include <set>
#include <string>

#include "base/status.h"

namespace vicinity::dataplane {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

// A kernel without what is listed.
struct OldKernel final : Prober {
  std::set<int> program_types;
  std::set<int> map_types;
  std::set<int> helpers;
  bool types = true;
  std::set<std::string, std::less<>> functions;

  bool has_program_type(int type) const override { return !program_types.contains(type); }
  bool has_map_type(int type) const override { return !map_types.contains(type); }
  bool has_helper(int, int helper) const override { return !helpers.contains(helper); }
  bool has_function(std::string_view name) const override {
    return types && !functions.contains(name);
  }
  bool has_btf() const override { return types; }
  std::string release() const override { return "5.4.0-test"; }
};

std::set<std::string> missing(const Features& features) {
  std::set<std::string> names;
  for (const Feature& feature : features.features) {
    if (!feature.present) names.insert(feature.name);
  }
  return names;
}

TEST(FeaturesTest, EachAbsenceIsFoundByItsOwnProbe) {
  OldKernel kernel;
  EXPECT_EQ(missing(probe_features(kernel)), std::set<std::string>{});
  kernel.functions = {"bpf_sock_destroy"};
  EXPECT_EQ(missing(probe_features(kernel)), std::set<std::string>{"sock_destroy"});
  kernel = {};
  kernel.helpers = {BPF_FUNC_skc_to_mptcp_sock};
  EXPECT_EQ(missing(probe_features(kernel)), std::set<std::string>{"mptcp_socket"});
  kernel.helpers = {BPF_FUNC_get_netns_cookie};
  EXPECT_EQ(missing(probe_features(kernel)), std::set<std::string>{"netns_cookie"});
  kernel = {};
  kernel.program_types = {BPF_PROG_TYPE_SOCK_OPS};
  EXPECT_EQ(missing(probe_features(kernel)), std::set<std::string>{"sock_ops"});
  kernel = {};
  kernel.map_types = {BPF_MAP_TYPE_SK_STORAGE};
  EXPECT_EQ(missing(probe_features(kernel)), std::set<std::string>{"socket_storage"});
  kernel = {};
  kernel.types = false;
  EXPECT_THAT(missing(probe_features(kernel)), ::testing::Contains("kernel_btf"));
}

TEST(FeaturesTest, WhatIsNotNeededOnlySaysWhatGoesWithout) {
  OldKernel kernel;
  kernel.types = false;
  kernel.helpers = {BPF_FUNC_skc_to_mptcp_sock};
  const Features features = probe_features(kernel);
  EXPECT_TRUE(check_needed(features).ok());
  for (const Feature& feature : features.features) {
    if (!feature.present) EXPECT_FALSE(feature.without.empty()) << feature.name;
  }
  EXPECT_FALSE(has(features, "mptcp_socket"));
  EXPECT_TRUE(has(features, "sock_ops"));
  EXPECT_FALSE(has(features, "no such feature"));
}

TEST(FeaturesTest, AnOlderKernelIsRefusedByName) {
  OldKernel kernel;
  kernel.helpers = {BPF_FUNC_set_retval};
  kernel.map_types = {BPF_MAP_TYPE_RINGBUF, BPF_MAP_TYPE_SK_STORAGE};
  EXPECT_THAT(base::message(check_needed(probe_features(kernel))),
              AllOf(HasSubstr("kernel 5.4.0-test"), HasSubstr("ring_buffer, set_retval;"),
                    HasSubstr("6.1"), Not(HasSubstr("socket_storage"))));
}

}  // namespace
}  // namespace vicinity::dataplane
