// The results of a run as the benchmarks wrote them, by name. Main thread.
#pragma once

#include <absl/status/statusor.h>
#include <yaml-cpp/yaml.h>

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bench/report.h"

namespace vicinity::bench {

// A row of bench_connect, with the figures it has.
class ConnectRow {
 public:
  explicit ConnectRow(YAML::Node node) : node_(std::move(node)) {}
  [[nodiscard]] std::string text(const char* member) const;
  [[nodiscard]] unsigned number(const char* member) const;
  [[nodiscard]] std::optional<Spread> figure(const char* column) const;

 private:
  YAML::Node node_;
};

class Results {
 public:
  // The files FOLDER/connect.json, FOLDER/control.json, and what the benchmarks printed,
  // FOLDER/{lines,control,failure,judge,peers}.txt, as far as they are there. Error: one cannot be
  // read, or there is none.
  [[nodiscard]] static absl::StatusOr<Results> read(const std::string& folder);

  // Undefined: it has not run.
  [[nodiscard]] YAML::Node of(std::string_view benchmark) const;
  struct Printed {
    std::string benchmark;
    std::string text;
  };
  [[nodiscard]] const std::vector<Printed>& printed() const { return printed_; }

  // Of bench_connect. None, if that has not run.
  [[nodiscard]] std::vector<ConnectRow> group(std::string_view name) const;
  [[nodiscard]] std::optional<Spread> figure(std::string_view row, const char* column) const;

 private:
  std::vector<std::pair<std::string, YAML::Node>> by_name_;
  std::vector<Printed> printed_;
};

}  // namespace vicinity::bench
