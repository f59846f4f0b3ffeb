#include "contract/dataplane_contract.h"
#include "contract/fake_dataplane.h"

namespace vicinity::testing {
namespace {

class FakeSubject final : public ContractSubject {
 public:
  explicit FakeSubject(const ContractSpec& spec) {
    if (spec.slots != 0) fake_.set_limits({.slots = spec.slots});
  }
  dataplane::Dataplane& dataplane() override { return fake_; }
  void settle() override { fake_.maintain(); }

 private:
  FakeDataplane fake_;
};

INSTANTIATE_TEST_SUITE_P(Fake, DataplaneContract,
                         ::testing::Values(ContractFactory([](const ContractSpec& spec) {
                           return std::make_unique<FakeSubject>(spec);
                         })));

}  // namespace
}  // namespace vicinity::testing
