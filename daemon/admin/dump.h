// A dump of one stage, a part at a time, so that control does a bounded amount of work between two
// steps and nobody copies the cluster. Used by one admin call; next() runs on the control thread.
#pragma once

#include <memory>
#include <string>

#include "admin/control_queue.h"
#include "proto/vicinity/admin.pb.h"

namespace vicinity::admin {

// A part ends with the first item that brings it to this size.
inline constexpr size_t kPartBytes = size_t{32} << 10;

class Dump {
 public:
  // nullptr: no such stage.
  [[nodiscard]] static std::unique_ptr<Dump> of(DumpRequest::Stage stage);
  virtual ~Dump() = default;
  // The next part; an empty one is the end.
  [[nodiscard]] virtual std::string next(const ControlView& view) = 0;
};

}  // namespace vicinity::admin
