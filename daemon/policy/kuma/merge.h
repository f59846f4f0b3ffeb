// Several confs for one destination become one, as Kuma does it (RFC 7396 over the fields of
// `default`): a field that the more specific conf sets replaces that of the less specific one, a
// field that it leaves out stays, a list is replaced whole. Pure.
#pragma once

#include "policy/kuma/spec.h"

namespace vicinity::policy::kuma {

// Lays `conf`, the more specific one, over `base`.
void merge(const Conf& conf, Conf& base);

}  // namespace vicinity::policy::kuma
