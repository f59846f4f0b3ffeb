// Which backends were right for a target, and when. A connection that overlaps a change may have
// seen the table before or after it. Pure.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "support/connect.h"
#include "support/wait.h"

namespace vicinity::testing {

class Timeline {
 public:
  // `change` makes `answers` the only right ones.
  template <class Change>
  void change(std::set<std::string> answers, Change change) {
    versions_.push_back({.from_ns = monotonic_ns(), .answers = std::move(answers)});
    change();
    const int64_t done_ns = monotonic_ns();
    if (versions_.size() > 1) versions_[versions_.size() - 2].until_ns = done_ns;
  }

  [[nodiscard]] bool allows(int64_t begin_ns, int64_t end_ns, const std::string& answer) const {
    // The last version that began before the end; those before it that had not ended.
    auto version = std::ranges::upper_bound(versions_, end_ns, {}, &Version::from_ns);
    while (version != versions_.begin()) {
      --version;
      if (version->until_ns < begin_ns) return false;
      if (version->answers.contains(answer)) return true;
    }
    return false;
  }

  [[nodiscard]] size_t changes() const { return versions_.size(); }

 private:
  struct Version {
    int64_t from_ns = 0;
    int64_t until_ns = INT64_MAX;
    std::set<std::string> answers;
  };
  std::vector<Version> versions_;
};

}  // namespace vicinity::testing
