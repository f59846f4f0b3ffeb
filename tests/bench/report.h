// The rows the benchmark prints: medians and spread over the rounds, as a table and as JSON. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "bench/shape.h"

namespace vicinity::bench {

struct Spread {
  double median = 0;
  double low = 0;
  double high = 0;
};

// REQUIRES: at least one value.
[[nodiscard]] Spread spread_of(std::vector<double> values);

struct Row {
  std::string group;
  std::string name;
  std::string absent;  // why there are no figures
  Shape shape;
  bool has_services = false;
  std::optional<Spread> p50_us;
  std::optional<Spread> p99_us;
  std::optional<Spread> p999_us;
  std::optional<Spread> connects_per_second;
  std::optional<Spread> connects_per_second_of_two;
  std::optional<Spread> hook_ns;          // none: no program runs
  std::optional<Spread> all_programs_ns;  // the hook and everything that runs beside it
  std::optional<Spread> times_empty;  // hook_ns over that of the empty program in the same round
  std::optional<Spread> fill_ms;      // tables or rules of all services
  std::optional<Spread> compile_and_fill_ms;
};

struct Run {
  std::string kernel;
  std::string cpu;
  unsigned cpus = 0;
  double load_average = 0;
  unsigned rounds = 0;
  unsigned connects = 0;  // of each batch
  std::vector<Row> rows;
};

[[nodiscard]] std::string to_text(const Run& run);
[[nodiscard]] base::Json to_json(const Run& run);

}  // namespace vicinity::bench
