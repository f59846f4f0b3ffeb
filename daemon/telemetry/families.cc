#include "telemetry/families.h"

#include <fmt/format.h>

#include <limits>
#include <string>

namespace vicinity::telemetry {

using prometheus::ClientMetric;
using prometheus::MetricType;

void Families::counter(std::string_view name, std::string_view help, uint64_t value) {
  open(name, help, MetricType::Counter);
  add(static_cast<double>(value), {});
}

void Families::gauge(std::string_view name, std::string_view help, double value) {
  open(name, help, MetricType::Gauge);
  add(value, {});
}

void Families::open(std::string_view name, std::string_view help, MetricType type) {
  families_.push_back({fmt::format("vicinity_{}", name), std::string(help), type, {}});
}

void Families::add(double value, std::initializer_list<LabelPair> labels) {
  ClientMetric& metric = families_.back().metric.emplace_back();
  for (const LabelPair& label : labels) {
    metric.label.push_back({std::string(label.name), std::string(label.value)});
  }
  if (families_.back().type == MetricType::Counter) metric.counter.value = value;
  if (families_.back().type == MetricType::Gauge) metric.gauge.value = value;
}

void Families::histogram(std::string_view name, std::string_view help, const Histogram& values) {
  open(name, help, MetricType::Histogram);
  ClientMetric& metric = families_.back().metric.emplace_back();
  uint64_t below = 0;
  for (size_t i = 0; i < values.counts.size(); ++i) {
    below += values.counts[i];
    const bool last = i == Histogram::kBoundsSeconds.size();
    const double bound =
        last ? std::numeric_limits<double>::infinity() : Histogram::kBoundsSeconds[i];
    metric.histogram.bucket.push_back({below, bound});
  }
  metric.histogram.sample_count = below;
  metric.histogram.sample_sum = values.sum_seconds;
}

}  // namespace vicinity::telemetry
