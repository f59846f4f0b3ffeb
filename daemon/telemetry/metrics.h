// Published as Prometheus metrics: names end in their unit or in _total, gauges never do; each
// number has one name. Pure.
#pragma once

#include <prometheus/metric_family.h>

#include <string>
#include <vector>

#include "telemetry/published.h"

namespace vicinity::telemetry {

// In a fixed order; what has labels is sorted by them.
[[nodiscard]] std::vector<prometheus::MetricFamily> metric_families(const Published& published);
// The text exposition format, as a scrape shows it.
[[nodiscard]] std::string metrics_text(const Published& published);

}  // namespace vicinity::telemetry
