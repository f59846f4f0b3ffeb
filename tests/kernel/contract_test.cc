// The kernel's data plane under the contract that the fake keeps.
#include "contract/dataplane_contract.h"

#include <poll.h>

#include "dataplane/kernel_dataplane.h"
#include "support/world.h"

namespace vicinity::testing {
namespace {

class KernelSubject final : public ContractSubject {
 public:
  explicit KernelSubject(const ContractSpec& spec) : world_(World::create({}).value()) {
    dataplane::KernelOptions options = {.cgroup = node().cgroup().path(),
                                        .pin_dir = node().pin_dir() + "/vicinity",
                                        .max_services = 16,
                                        .max_slots = 64};
    options.limits.slots = spec.slots;
    dataplane_ = dataplane::KernelDataplane::open(options).value();
  }

  ~KernelSubject() override {
    dataplane_.reset();
    EXPECT_TRUE(is_ok(dataplane::uninstall(node().pin_dir() + "/vicinity")));
    EXPECT_TRUE(is_ok(world_->shut_down()));
  }

  dataplane::Dataplane& dataplane() override { return *dataplane_; }

  void settle() override {
    EXPECT_TRUE(wait_until(
        [&] {
          pollfd waiting = {.fd = dataplane_->maintenance_fd(), .events = POLLIN, .revents = 0};
          ::poll(&waiting, 1, 20);
          dataplane_->maintain();
          return dataplane_->status().pending_reclaims == 0;
        },
        std::chrono::seconds(20)));
  }

 private:
  Node& node() { return world_->node("node1"); }

  std::unique_ptr<World> world_;
  std::unique_ptr<dataplane::KernelDataplane> dataplane_;
};

INSTANTIATE_TEST_SUITE_P(Kernel, DataplaneContract,
                         ::testing::Values(ContractFactory([](const ContractSpec& spec) {
                           return std::make_unique<KernelSubject>(spec);
                         })));

}  // namespace
}  // namespace vicinity::testing
