// The prefixes of vic_config, which send most destinations away in the first cache line: they cover
// every service address of a family. Widened by one store before an address is published, narrowed
// in steps with a grace period between them. Control thread.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "dataplane/memory.h"

namespace vicinity::dataplane {

// An address's first 64 bits in host order; an IPv4 address is the upper 32 of them.
[[nodiscard]] uint64_t leading_bits(const model::IpAddress& address);
[[nodiscard]] bool covers(uint64_t prefix, uint64_t leading);
// The longest prefix that covers both; nullopt: only the empty one would.
[[nodiscard]] std::optional<uint64_t> widened(uint64_t prefix, uint64_t leading);
// At most VIC_CONFIG_PREFIXES prefixes that cover all of it, unused ones 0; nullopt: it would take
// the empty prefix. Cuts where neighbours have least in common.
[[nodiscard]] std::optional<std::array<uint64_t, VIC_CONFIG_PREFIXES>> covering(
    model::Family family, std::vector<uint64_t> leading);

class Prefixes {
 public:
  using Addresses = std::function<std::vector<uint64_t>()>;

  Prefixes(model::Family family, vic_config& config) : family_(family), config_(config) {}

  // Before the address's entry gets its view.
  void add(const model::IpAddress& address);
  void remove() { ++changes_; }
  // One step towards the shortest cover of what `addresses` returns. True: call again after a
  // grace period.
  [[nodiscard]] bool narrow(const Addresses& addresses);

 private:
  enum class Step : uint8_t { kSteady, kOpened, kWritten };
  void set_complete(uint32_t flag);

  model::Family family_;
  vic_config& config_;
  Step step_ = Step::kSteady;
  uint64_t changes_ = 1;  // since the prefixes were worked out from all addresses
  uint64_t covered_ = 0;  // addresses then
};

}  // namespace vicinity::dataplane
