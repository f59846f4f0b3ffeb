#include "bench/feed/table_watch.h"

#include <array>
#include <bit>
#include <map>
#include <utility>

#include "base/status.h"
#include "dataplane/frontend_key.h"

namespace vicinity::bench {
namespace {

using model::Family;

constexpr uint16_t kPort = 80;

model::IpAddress ipv4(uint32_t address) {
  model::IpAddress ip;
  for (uint32_t i = 0; i < 4; ++i) ip.bytes[i] = static_cast<uint8_t>(address >> (24 - 8 * i));
  return ip;
}

}  // namespace

absl::StatusOr<TableWatch> TableWatch::open(std::string pin_dir) {
  TableWatch watch(std::move(pin_dir));
  VIC_RETURN_IF_ERROR(watch.follow());
  return watch;
}

absl::Status TableWatch::follow() {
  const auto generations = dataplane::Pins(pin_dir_).generations();
  if (generations.empty()) return base::internal("{}: no tables are pinned", pin_dir_);
  if (generations.front().number == generation_) return absl::OkStatus();
  VIC_ASSIGN_OR_RETURN(const auto pinned, dataplane::Pins::open(generations.front()));
  std::map<std::string, int> fds;
  for (const auto& [name, fd] : pinned) fds.emplace(name, fd.get());
  VIC_ASSIGN_OR_RETURN(tables_, dataplane::map_tables(fds, dataplane::Access::kReadOnly));
  generation_ = generations.front().number;
  return absl::OkStatus();
}

uint64_t TableWatch::view(uint32_t address) const {
  const dataplane::Memory& memory = tables_.memory;
  const std::span<__u64> words = memory.frontends[dataplane::index_of(Family::kIpv4)];
  const auto key = dataplane::frontend_key(ipv4(address), kPort);
  const auto& word = reinterpret_cast<__u64&>(memory.config[0].table);
  const auto table = std::bit_cast<vic_table>(dataplane::observe(word));
  const auto [first, second] = dataplane::candidates(key, Family::kIpv4, table);
  for (const uint32_t bucket : std::array<uint32_t, 4>{first, second, 0, 1}) {
    const auto entries = words.subspan(size_t{bucket} * VIC_BUCKET_WORDS, VIC_BUCKET_WORDS);
    for (size_t i = 0; i < entries.size(); i += VIC_KEY4_WORDS + 1) {
      if (dataplane::observe(entries[i]) != key.words[0]) continue;
      if (const uint64_t view = dataplane::observe(entries[i + VIC_KEY4_WORDS])) return view;
    }
  }
  return 0;
}

TableMemory TableWatch::memory() const {
  const dataplane::Memory& memory = tables_.memory;
  TableMemory bytes;
  bytes.slots4 = memory.slots4.size_bytes() + memory.aliases[0].size_bytes();
  bytes.slots6 = memory.slots6.size_bytes() + memory.aliases[1].size_bytes();
  bytes.services = memory.services.size_bytes();
  for (size_t i = 0; i < dataplane::kFamilies.size(); ++i)
    bytes.services += memory.frontends[i].size_bytes() + memory.hints[i].size_bytes();
  for (const auto& map : tables_.maps) bytes.other += map.bytes();
  bytes.other -= bytes.slots4 + bytes.slots6 + bytes.services;
  return bytes;
}

}  // namespace vicinity::bench
