#include "policy/book/foreign.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "policy/source.h"

namespace vicinity::policy::book {
namespace {

// Groups whose objects say nothing about where connections go, or reach us through the feed.
constexpr std::array<std::string_view, 9> kKubernetes{"",
                                                      "apps",
                                                      "autoscaling",
                                                      "batch",
                                                      "discovery.k8s.io",
                                                      "kind.x-k8s.io",
                                                      "policy",
                                                      "rbac.authorization.k8s.io",
                                                      "storage.k8s.io"};

}  // namespace

void diagnose_foreign(const Node& root, Diagnostics& out) {
  const auto type = type_of(root);
  if (!type) {
    out.error(root, {}, "no policy: has neither apiVersion and kind nor a policy's own fields");
    return;
  }
  if (std::ranges::find(kKubernetes, std::string_view(type->group)) != kKubernetes.end()) {
    out.warning(root, "kind",
                fmt::format("{} is no policy: services and pods come from the feed", type->kind));
    return;
  }
  out.error(root, "kind",
            fmt::format("{} of {} is not a policy that is known here", type->kind, type->group));
}

}  // namespace vicinity::policy::book
