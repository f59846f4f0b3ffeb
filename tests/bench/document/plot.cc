#include "bench/document/plot.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <string_view>
#include <utility>

namespace vicinity::bench {
namespace {

constexpr int kWidth = 720;
constexpr int kTop = 34;
constexpr int kBottom = 44;
constexpr int kRight = 24;
constexpr int kSeriesColours = 4;

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

// 1, 2 or 5 times a power of ten, so that `most` takes about five steps.
double nice_step(double most) {
  const double raw = most / 5;
  const double power = std::pow(10, std::floor(std::log10(raw)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (raw <= factor * power) return factor * power;
  }
  return 10 * power;
}

std::string number(double value) {
  if (value >= 1e6 && std::fmod(value, 1e6) == 0) return fmt::format("{:.0f}M", value / 1e6);
  if (value >= 1e4 && std::fmod(value, 1e3) == 0) return fmt::format("{:.0f}k", value / 1e3);
  return fmt::format("{:g}", value);
}

class Drawing {
 public:
  Drawing(int height, std::string_view title) : height_(height) {
    fmt::format_to(out(),
                   "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {} {}\" width=\"{}\" "
                   "height=\"{}\" role=\"img\">\n<title>{}</title>\n{}",
                   kWidth, height, kWidth, height, escaped(title), kStyle);
    text(kWidth / 2.0, 18, "m h", title);
  }

  // `type`: m, e or s (anchor middle, end, start), and further classes.
  void text(double x, double y, std::string_view type, std::string_view what) {
    fmt::format_to(out(), "<text x=\"{:.1f}\" y=\"{:.1f}\" class=\"{}\">{}</text>\n", x, y, type,
                   escaped(what));
  }
  void line(Point from, Point to, std::string_view type) {
    fmt::format_to(out(),
                   "<line x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\" class=\"{}\"/>\n",
                   from.x, from.y, to.x, to.y, type);
  }
  void bar(Point corner, double width, double height) {
    fmt::format_to(out(),
                   "<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" "
                   "class=\"b\"/>\n",
                   corner.x, corner.y, width, height);
  }
  void path(const std::vector<Point>& points, size_t colour) {
    std::string list;
    for (const Point& point : points) {
      fmt::format_to(std::back_inserter(list), "{:.1f},{:.1f} ", point.x, point.y);
    }
    fmt::format_to(out(), "<polyline points=\"{}\" class=\"l c{}\"/>\n", list, colour);
    for (const Point& point : points) {
      fmt::format_to(out(), "<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"3\" class=\"p c{}\"/>\n",
                     point.x, point.y, colour);
    }
  }
  [[nodiscard]] int height() const { return height_; }
  [[nodiscard]] std::string finish() { return std::move(text_) + "</svg>\n"; }

 private:
  static constexpr std::string_view kStyle =
      "<style>\n"
      "text{font:12px sans-serif;fill:#24292f}.h{font-weight:bold}\n"
      ".m{text-anchor:middle}.e{text-anchor:end}\n"
      ".g{stroke:#8c959f;stroke-opacity:.35}.b{fill:#4c78a8}.w{stroke:#24292f}\n"
      ".l{fill:none;stroke-width:2}\n"
      ".c0{stroke:#4c78a8}.c1{stroke:#d1682a}.c2{stroke:#3f8f4f}.c3{stroke:#9a5fb5}\n"
      ".p{stroke-width:2;fill:none}\n"
      "@media(prefers-color-scheme:dark){text{fill:#e6edf3}.w{stroke:#e6edf3}.b{fill:#6aa2d8}\n"
      ".c0{stroke:#6aa2d8}.c1{stroke:#f0945a}.c2{stroke:#6fbf7f}.c3{stroke:#c194d8}}\n"
      "</style>\n";
  [[nodiscard]] std::back_insert_iterator<std::string> out() { return std::back_inserter(text_); }
  int height_;
  std::string text_;
};

// From values to places on an axis.
class Scale {
 public:
  static Scale linear(double most, Point places) {
    const double step = nice_step(most);
    Scale scale{0, std::ceil(most / step) * step, places};
    for (double tick = 0; tick <= scale.high_ * 1.0001; tick += step) scale.ticks_.push_back(tick);
    return scale;
  }
  // Whole powers of ten around the values.
  static Scale logarithmic(double least, double most, Point places) {
    const double low = std::floor(std::log10(least));
    const double high = std::max(low + 1, std::ceil(std::log10(most)));
    Scale scale{low, high, places};
    scale.logarithmic_ = true;
    for (double power = low; power <= high; ++power) scale.ticks_.push_back(std::pow(10, power));
    return scale;
  }
  [[nodiscard]] double place(double value) const {
    const double at = logarithmic_ ? std::log10(value) : value;
    return places_.x + (at - low_) / (high_ - low_) * (places_.y - places_.x);
  }
  [[nodiscard]] const std::vector<double>& ticks() const { return ticks_; }

 private:
  Scale(double low, double high, Point places) : low_(low), high_(high), places_(places) {}
  double low_;
  double high_;
  Point places_;  // of low_ and of high_
  bool logarithmic_ = false;
  std::vector<double> ticks_;
};

struct Range {
  double low;
  double high;
};

template <class Member>
Range range_of(const LineChart& chart, Member member) {
  Range range = {HUGE_VAL, 0};
  for (const Series& series : chart.series) {
    for (const Point& point : series.points) {
      range = {std::min(range.low, point.*member), std::max(range.high, point.*member)};
    }
  }
  return range;
}

Scale y_scale_of(const LineChart& chart, Point places) {
  const Range range = range_of(chart, &Point::y);
  return chart.y_scale == YScale::kFromZero ? Scale::linear(range.high, places)
                                            : Scale::logarithmic(range.low, range.high, places);
}

}  // namespace

std::string to_svg(const BarChart& chart) {
  constexpr int kLeft = 290;
  constexpr int kRow = 18;
  const int bottom = kTop + kRow * static_cast<int>(chart.bars.size());
  Drawing drawing(bottom + kBottom, chart.title);
  double most = 0;
  for (const Bar& bar : chart.bars) most = std::max(most, bar.value.high);
  const Scale scale = Scale::linear(most, {kLeft, kWidth - kRight});
  for (const double tick : scale.ticks()) {
    const double x = scale.place(tick);
    drawing.line({x, kTop}, {x, static_cast<double>(bottom)}, "g");
    drawing.text(x, bottom + 16, "m", number(tick));
  }
  for (size_t i = 0; i < chart.bars.size(); ++i) {
    const Bar& bar = chart.bars[i];
    const double y = kTop + kRow * static_cast<double>(i);
    const double middle = y + kRow / 2.0;
    drawing.text(kLeft - 8, middle + 4, "e", bar.label);
    drawing.bar({kLeft, y + 3}, scale.place(bar.value.median) - kLeft, kRow - 6);
    drawing.line({scale.place(bar.value.low), middle}, {scale.place(bar.value.high), middle}, "w");
  }
  drawing.text((kLeft + kWidth - kRight) / 2.0, bottom + 36, "m", chart.unit);
  return drawing.finish();
}

std::string to_svg(const LineChart& chart) {
  constexpr int kLeft = 70;
  constexpr int kHeight = 340;
  const double bottom = kHeight - kBottom;
  const double plot_top = kTop + 20.0;
  Drawing drawing(kHeight, chart.title);
  const Range xs = range_of(chart, &Point::x);
  const Scale x = Scale::logarithmic(xs.low, xs.high, {kLeft, kWidth - kRight});
  const Scale y = y_scale_of(chart, {bottom, plot_top});
  for (const double tick : x.ticks()) {
    drawing.line({x.place(tick), plot_top}, {x.place(tick), bottom}, "g");
    drawing.text(x.place(tick), bottom + 16, "m", number(tick));
  }
  for (const double tick : y.ticks()) {
    drawing.line({kLeft, y.place(tick)}, {kWidth - kRight, y.place(tick)}, "g");
    drawing.text(kLeft - 6, y.place(tick) + 4, "e", number(tick));
  }
  double legend = kLeft + 90.0;
  drawing.text(4, kTop + 6, "s", chart.y_label);
  for (size_t i = 0; i < chart.series.size(); ++i) {
    const Series& series = chart.series[i];
    std::vector<Point> places;
    for (const Point& point : series.points) places.push_back({x.place(point.x), y.place(point.y)});
    drawing.path(places, i % kSeriesColours);
    drawing.line({legend, kTop + 2}, {legend + 18, kTop + 2}, fmt::format("l c{}", i));
    drawing.text(legend + 24, kTop + 6, "s", series.name);
    legend += 40 + 7.0 * static_cast<double>(series.name.size());
  }
  drawing.text((kLeft + kWidth - kRight) / 2.0, kHeight - 8, "m", chart.x_label);
  return drawing.finish();
}

}  // namespace vicinity::bench
