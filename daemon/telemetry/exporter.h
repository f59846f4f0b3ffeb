// Serves /metrics to Prometheus. Owned by the app; scrapes run on its own two threads.
#pragma once

#include <absl/status/statusor.h>

#include <memory>
#include <string>

#include "telemetry/published.h"

namespace vicinity::telemetry {

class Exporter {
 public:
  // `address` is HOST:PORT, port 0 = any; listens until destroyed.
  [[nodiscard]] static absl::StatusOr<std::unique_ptr<Exporter>> start(const std::string& address,
                                                                       StatusSource source);
  virtual ~Exporter() = default;
  [[nodiscard]] virtual int port() const = 0;
};

}  // namespace vicinity::telemetry
