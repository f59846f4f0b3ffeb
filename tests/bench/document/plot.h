// Small pictures of figures as SVG: bars with their spread, and lines. Readable on a light and on a
// dark page. Pure.
#pragma once

#include <string>
#include <vector>

#include "bench/report.h"

namespace vicinity::bench {

struct Bar {
  std::string label;
  Spread value;
};

// Lying bars from 0, the lowest and highest value as a thin line over each.
struct BarChart {
  std::string title;
  std::string unit;  // what the axis shows: "hook time [ns]"
  std::vector<Bar> bars;
};

struct Point {
  double x = 0;
  double y = 0;
};

struct Series {
  std::string name;
  std::vector<Point> points;
};

enum class YScale { kFromZero, kLogarithmic };

// The x axis is logarithmic. REQUIRES: x > 0, and y > 0 on a logarithmic scale.
struct LineChart {
  std::string title;
  std::string x_label;
  std::string y_label;
  YScale y_scale = YScale::kFromZero;
  std::vector<Series> series;
};

[[nodiscard]] std::string to_svg(const BarChart& chart);
[[nodiscard]] std::string to_svg(const LineChart& chart);

}  // namespace vicinity::bench
