// Where the hooks are, and whether they do anything there.
#include <bpf/bpf.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <optional>
#include <string>

#include "kernel/dataplane_fixture.h"
#include "mounts.h"
#include "readiness_probe.h"

namespace vicinity::testing {
namespace {

using ::testing::HasSubstr;

class AttachTest : public KernelDataplaneTest {
 protected:
  [[nodiscard]] std::string node_cgroup() const { return world_->node("node1").cgroup().path(); }
  void tick() { dataplane_->renew_lease(absl::Minutes(1)); }
  // How many programs the kernel has at this hook.
  static uint32_t attached_to(const std::string& cgroup, bpf_attach_type hook) {
    const base::UniqueFd fd(::open(cgroup.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    uint32_t ids[8] = {};
    uint32_t count = 8;
    const int error = bpf_prog_query(fd.get(), hook, 0, nullptr, ids, &count);
    return error == 0 ? count : 0;
  }
};

TEST_F(AttachTest, ACgroupThatIsMadeAnewGetsItsHooksAgain) {
  dataplane::KernelOptions below = options();
  below.cgroup = node_cgroup() + "/again";
  ASSERT_EQ(::mkdir(below.cgroup.c_str(), 0755), 0);
  open(below);
  tick();
  EXPECT_TRUE(dataplane_->status().attached);
  ASSERT_EQ(::rmdir(below.cgroup.c_str()), 0);
  EXPECT_FALSE(dataplane_->status().attached);
  tick();
  EXPECT_FALSE(dataplane_->status().attached);
  EXPECT_THAT(dataplane_->status().attach_problem, HasSubstr("No such file"));
  ASSERT_EQ(::mkdir(below.cgroup.c_str(), 0755), 0);
  EXPECT_EQ(attached_to(below.cgroup, BPF_CGROUP_INET4_CONNECT), 0u);
  tick();
  EXPECT_TRUE(dataplane_->status().attached);
  EXPECT_EQ(dataplane_->status().attach_problem, "");
  EXPECT_EQ(attached_to(below.cgroup, BPF_CGROUP_INET4_CONNECT), 1u);
  EXPECT_EQ(attached_to(below.cgroup, BPF_CGROUP_INET6_CONNECT), 1u);
  dataplane_.reset();
  VICINITY_EXPECT_OK(dataplane::uninstall(pin_dir()));
  ASSERT_EQ(::rmdir(below.cgroup.c_str()), 0);
}

class ProbeTest : public AttachTest {
 protected:
  // A probe from the pod "client", whose network namespace has a loopback and routes of its own.
  telemetry::ProbeInfo probe(const std::string& cgroup) {
    return run_in(world_->pod("client").netns(), [&]() -> telemetry::ProbeInfo {
      auto opened = ReadinessProbe::open(cgroup);
      if (!opened.ok()) return {.problem = std::string(opened.status().message())};
      if (!attach_to_.empty()) {
        dataplane::KernelOptions probed = options();
        probed.cgroup = attach_to_;
        probed.probe_port = (*opened)->port();
        open(probed);
        if (dataplane_ == nullptr) return {.problem = "no data plane"};
        apply({backends_service("ns/a", {kVip4}, {0})});
        tick();
        if (expired_) let_the_lease_run_out();
        before_ = dataplane_->outcomes();
      }
      return (*opened)->probe();
    });
  }

  // The hooks' clock is a coarse one.
  void let_the_lease_run_out() {
    dataplane_->renew_lease(absl::Nanoseconds(1));
    EXPECT_TRUE(
        wait_until([&] { return connect(kVip4).answer == "decoy"; }, std::chrono::seconds(10)));
  }

  std::string attach_to_;
  bool expired_ = false;
  dataplane::Outcomes before_;
};

TEST_F(ProbeTest, IsTranslatedFromACgroupBesideOurs) {
  attach_to_ = node_cgroup();
  const telemetry::ProbeInfo result = probe(node_cgroup());
  EXPECT_TRUE(result.translated) << result.problem;
  EXPECT_TRUE(result.from_sibling) << result.why_no_sibling;
  // It disturbs nothing: no counter, no cgroup left.
  EXPECT_EQ(dataplane_->outcomes(), before_);
  EXPECT_NE(::access((node_cgroup() + "/vicinity-probe").c_str(), F_OK), 0);
}

TEST_F(ProbeTest, SaysThatNoHookIsThere) {
  const telemetry::ProbeInfo result = probe(node_cgroup());
  EXPECT_FALSE(result.translated);
  EXPECT_THAT(result.problem, HasSubstr("not translated (Connection refused)"));
}

TEST_F(ProbeTest, HooksOnANestedCgroupDoNothingBesideIt) {
  attach_to_ = world_->pod("client").cgroup().path();
  const telemetry::ProbeInfo result = probe(node_cgroup());
  EXPECT_FALSE(result.translated);
  EXPECT_TRUE(result.from_sibling);
}

TEST_F(ProbeTest, ALeaseThatRanOutIsSeen) {
  attach_to_ = node_cgroup();
  expired_ = true;
  EXPECT_FALSE(probe(node_cgroup()).translated);
}

TEST_F(ProbeTest, ACgroupThatCannotBeEnteredIsNamed) {
  const telemetry::ProbeInfo result = probe("/proc/nowhere");
  EXPECT_FALSE(result.from_sibling);
  EXPECT_THAT(result.why_no_sibling, HasSubstr("No such file"));
}

// In a mount namespace of a process of its own, which ends with it.
TEST(Cgroup2Mount, OfOursIsTheHierarchy) {
  VICINITY_ROOT_OR_FAIL();
  const std::string path = std::filesystem::temp_directory_path() /
                           ("vicinity-mount-" + std::to_string(::getpid())) / "cgroup2";
  const pid_t child = ::fork();
  if (child == 0) {
    const bool alone = ::unshare(CLONE_NEWNS) == 0 &&
                       ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
    struct statfs info = {};
    const bool mounted = alone && mount_cgroup2(path).ok() && ::statfs(path.c_str(), &info) == 0;
    ::_exit(mounted && info.f_type == CGROUP2_SUPER_MAGIC ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  std::filesystem::remove_all(std::filesystem::path(path).parent_path());
}

}  // namespace
}  // namespace vicinity::testing
