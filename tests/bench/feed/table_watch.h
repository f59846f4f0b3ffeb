// The tables of a running daemon as its hooks see them, through maps mapped for reading: whether a
// change is there, and what memory the kernel has them in. One thread.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <cstdint>
#include <string>
#include <utility>

#include "dataplane/generation.h"
#include "dataplane/pins.h"

namespace vicinity::bench {

// Bytes of all maps that grow with the mesh.
struct TableMemory {
  uint64_t slots4 = 0;
  uint64_t slots6 = 0;
  uint64_t services = 0;  // records and frontend entries
  uint64_t other = 0;
};

class TableWatch {
 public:
  [[nodiscard]] static absl::StatusOr<TableWatch> open(std::string pin_dir);
  // The newest generation, if it is another one.
  [[nodiscard]] absl::Status follow();

  // The view of the service at this IPv4 address (host order), port 80; 0: there is none.
  [[nodiscard]] uint64_t view(uint32_t address) const;
  // Another one has other views for all.
  [[nodiscard]] uint32_t generation() const { return generation_; }
  [[nodiscard]] TableMemory memory() const;

 private:
  explicit TableWatch(std::string pin_dir) : pin_dir_(std::move(pin_dir)) {}

  std::string pin_dir_;
  uint32_t generation_ = 0;
  dataplane::MappedTables tables_;
};

}  // namespace vicinity::bench
