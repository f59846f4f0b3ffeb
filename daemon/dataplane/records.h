// The elements of vic_services: which are free, and names that need several. Control thread.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/memory.h"

namespace vicinity::dataplane {

class Records {
 public:
  // Every record but 0 is free.
  explicit Records(std::span<vic_service> records);

  // A zeroed record. It is in use once its flags say so.
  [[nodiscard]] std::optional<uint32_t> allocate();
  void release(uint32_t index);

  // Writes the name into the record and as many more as it takes. False: no room, nothing written.
  [[nodiscard]] bool store_name(vic_service& record, std::string_view name);
  // Frees the records that continue the name.
  void release_name(const vic_service& record);

  // Takes over what is there: REQUIRES: nothing allocated yet. Those for which `keep` is false are
  // freed.
  void adopt(const std::vector<bool>& keep);

  [[nodiscard]] vic_service& at(uint32_t index) const { return records_[index]; }
  [[nodiscard]] uint64_t used() const { return records_.size() - 1 - free_.size(); }
  [[nodiscard]] uint64_t capacity() const { return records_.size() - 1; }

 private:
  [[nodiscard]] vic_service_more& more_at(uint32_t index) const;

  std::span<vic_service> records_;
  std::vector<uint32_t> free_;  // the last one is given out next
};

// The whole name of a record; as much of it as there is, if the chain is broken.
[[nodiscard]] std::string load_name(std::span<vic_service> records, const vic_service& record);

}  // namespace vicinity::dataplane
