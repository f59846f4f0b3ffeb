// One set of maps and the programs that read them. A new one is made beside the old whenever maps
// of fixed size must grow. Control thread.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "dataplane/mapped_map.h"
#include "dataplane/memory.h"
#include "dataplane/object.h"
#include "dataplane/pins.h"

namespace vicinity::dataplane {

class Generation {
 public:
  // Loads the programs with the plan's maps.
  [[nodiscard]] static absl::StatusOr<std::unique_ptr<Generation>> load(uint32_t number,
                                                                        const LoadPlan& plan);
  // A pinned one, whose maps the plan takes over: see Object::open().
  [[nodiscard]] static absl::StatusOr<std::unique_ptr<Generation>> open(const GenerationPin& pin,
                                                                        const LoadPlan& plan);

  [[nodiscard]] uint32_t number() const { return number_; }
  [[nodiscard]] const Object& object() const { return object_; }
  [[nodiscard]] const Memory& memory() const { return memory_; }
  [[nodiscard]] Sizes sizes() const;
  [[nodiscard]] uint64_t bytes() const;
  [[nodiscard]] std::map<std::string, int> map_fds() const;
  [[nodiscard]] std::map<std::string, int> shared_map_fds() const;

 private:
  [[nodiscard]] static absl::StatusOr<std::unique_ptr<Generation>> of(uint32_t number,
                                                                      Object object);

  uint32_t number_ = 0;
  Object object_;
  std::vector<MappedMap> maps_;
  Memory memory_;
  uint32_t affinities_ = 0;  // elements of that map, which is not mapped
};

// Maps by name, mapped: what Generation and other processes' readers have in common.
struct MappedTables {
  std::vector<MappedMap> maps;
  Memory memory;
};
[[nodiscard]] absl::StatusOr<MappedTables> map_tables(const std::map<std::string, int>& fds,
                                                      Access access);

}  // namespace vicinity::dataplane
