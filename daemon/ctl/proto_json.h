// A protobuf message as JSON for programs: the field names as they are in the .proto, numbers as
// numbers (proto3's own JSON writes 64-bit ones as text), every field present. Pure.
#pragma once

#include <google/protobuf/message.h>

#include "base/json.h"

namespace vicinity::ctl {

[[nodiscard]] base::Json to_json(const google::protobuf::Message& message);

}  // namespace vicinity::ctl
