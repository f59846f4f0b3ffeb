#include "telemetry/exporter.h"

#include <prometheus/collectable.h>
#include <prometheus/exposer.h>

#include <exception>
#include <utility>
#include <vector>

#include "base/status.h"
#include "telemetry/metrics.h"

namespace vicinity::telemetry {
namespace {

constexpr size_t kThreads = 2;

class Collector : public prometheus::Collectable {
 public:
  explicit Collector(StatusSource source) : source_(std::move(source)) {}
  [[nodiscard]] std::vector<prometheus::MetricFamily> Collect() const override {
    return metric_families(*source_());
  }

 private:
  StatusSource source_;
};

class HttpExporter : public Exporter {
 public:
  HttpExporter(const std::string& address, StatusSource source)
      : collector_(std::make_shared<Collector>(std::move(source))), exposer_(address, kThreads) {
    exposer_.RegisterCollectable(collector_);
  }
  [[nodiscard]] int port() const override { return exposer_.GetListeningPorts().front(); }

 private:
  std::shared_ptr<Collector> collector_;  // the exposer holds a weak reference
  prometheus::Exposer exposer_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Exporter>> Exporter::start(const std::string& address,
                                                          StatusSource source) {
  try {
    return std::make_unique<HttpExporter>(address, std::move(source));
  } catch (const std::exception& error) {  // civetweb's way to report
    return absl::UnavailableError(
        fmt::format("metrics on {}: cannot listen: {}", address, error.what()));
  }
}

}  // namespace vicinity::telemetry
