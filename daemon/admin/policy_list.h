// What `vicinityctl policy list` shows: the documents in force, and for each service that any of
// them is aimed at what decides and why. A part at a time, each on the control thread.
#pragma once

#include <cstddef>
#include <vector>

#include "admin/control_queue.h"
#include "proto/vicinity/admin.pb.h"

namespace vicinity::admin {

class PolicyList {
 public:
  // Empty: the end.
  [[nodiscard]] PoliciesReply next(const ControlView& view);

 private:
  bool started_ = false;
  std::vector<model::SymbolId> services_;
  size_t at_ = 0;
};

}  // namespace vicinity::admin
