// What the admin protocol tells of the daemon beside its state. Plain data.
#pragma once

#include <functional>
#include <string>

#include "proto/vicinity/admin.pb.h"

namespace vicinity::admin {

struct Surroundings {
  SettingsReply settings;
  std::function<std::string()> log;  // its last lines; called on any thread; empty: there is none
};

}  // namespace vicinity::admin
