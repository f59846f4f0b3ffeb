#include <string>
#include <utility>
#include <vector>

#include "telemetry/published.h"

namespace vicinity::telemetry {

std::vector<std::string> unready(const Published& published) {
  std::vector<std::string> reasons;
  if (!published.dataplane.attached) {
    const std::string& why = published.dataplane.attach_problem;
    reasons.push_back("the hooks are not attached" + (why.empty() ? "" : ": " + why));
  }
  if (!published.probe.translated) reasons.push_back(published.probe.problem);
  if (!published.published_once) {
    const std::string& why = published.feed.last_error;
    reasons.push_back("no tables published yet: feed " + published.feed.state +
                      (why.empty() ? "" : ": " + why));
  }
  return reasons;
}

}  // namespace vicinity::telemetry
