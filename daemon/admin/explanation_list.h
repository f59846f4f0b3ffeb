// Everything that Explain and Endpoints could answer, a part at a time: what a bundle replays. Used
// by one admin call; next() runs on the control thread.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "admin/control_queue.h"
#include "proto/vicinity/admin.pb.h"

namespace vicinity::admin {

class ExplanationList {
 public:
  // The next part; an empty one is the end. A service that goes between two parts may be missing.
  [[nodiscard]] ExplanationsReply next(const ControlView& view);

 private:
  std::optional<std::vector<model::SymbolId>> services_;
  size_t service_ = 0;
};

}  // namespace vicinity::admin
