// Metric families while they are put together: a name, a meaning, a type, then its values. Pure.
#pragma once

#include <prometheus/metric_family.h>

#include <cstdint>
#include <initializer_list>
#include <string_view>
#include <vector>

#include "telemetry/histogram.h"

namespace vicinity::telemetry {

struct LabelPair {
  std::string_view name;
  std::string_view value;
};

// Names go without the "vicinity_" that all of them begin with.
class Families {
 public:
  void counter(std::string_view name, std::string_view help, uint64_t value);
  void gauge(std::string_view name, std::string_view help, double value);
  void histogram(std::string_view name, std::string_view help, const Histogram& values);
  // A family whose values follow with add().
  void open(std::string_view name, std::string_view help, prometheus::MetricType type);
  void add(double value, std::initializer_list<LabelPair> labels);
  [[nodiscard]] std::vector<prometheus::MetricFamily> take() { return std::move(families_); }

 private:
  std::vector<prometheus::MetricFamily> families_;
};

}  // namespace vicinity::telemetry
