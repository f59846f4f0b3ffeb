#include "policies.h"

#include <algorithm>
#include <utility>

#include "base/status.h"
#include "telemetry/log.h"

namespace vicinity {
namespace {

using policy::Severity;
using policy::book::Finding;
using telemetry::log_event;
using telemetry::LogLevel;

void log_findings(const std::vector<Finding>& findings) {
  for (const Finding& finding : findings) {
    const bool error = finding.diagnostic.severity == Severity::kError;
    log_event(error ? LogLevel::kError : LogLevel::kWarn,
              error ? "policy refused" : "policy not fully used", {{"what", to_text(finding)}});
  }
}

// Those whose plans may differ under the two books.
std::vector<model::SymbolId> services_between(const policy::book::Book& before,
                                              const policy::book::Book& after,
                                              const model::Snapshot& snapshot) {
  const policy::book::Difference difference(before, after);
  if (difference.empty()) return {};
  std::vector<model::SymbolId> services = snapshot.service_keys();
  std::erase_if(services, [&](model::SymbolId key) {
    return !difference.concerns(*snapshot.find_service(key), snapshot.symbols());
  });
  return services;
}

}  // namespace

Policies::Policies(policy::Settings settings)
    : settings_(std::move(settings)),
      book_(std::make_shared<policy::book::Book>(std::vector<policy::Document>(), settings_)) {}

std::vector<model::SymbolId> Policies::update(PolicyReading reading,
                                              const model::Snapshot& snapshot) {
  ++readings_;
  error_ = std::string(base::message(reading.status));
  if (!reading.status.ok()) {
    log_event(LogLevel::kError, "policies not read", {{"error", error_}});
    return {};
  }
  log_findings(reading.load.findings);
  std::vector<model::SymbolId> concerned;
  if (!store_.update(std::move(reading.load))) return concerned;
  const auto before =
      std::exchange(book_, std::make_shared<policy::book::Book>(store_.documents(), settings_));
  concerned = services_between(*before, *book_, snapshot);
  log_event(LogLevel::kInfo, "policies changed",
            {{"documents", std::to_string(book_->documents().size())},
             {"services", std::to_string(concerned.size())}});
  return concerned;
}

std::vector<model::SymbolId> Policies::by_pods(const model::Snapshot& snapshot) const {
  std::vector<const policy::Spec*> selecting;
  for (const policy::Document& document : book_->documents()) {
    if (document.spec->selects_pods()) selecting.push_back(document.spec.get());
  }
  if (selecting.empty()) return {};
  std::vector<model::SymbolId> services = snapshot.service_keys();
  std::erase_if(services, [&](model::SymbolId key) {
    return std::ranges::none_of(selecting, [&](const policy::Spec* spec) {
      return spec->concerns(*snapshot.find_service(key), snapshot.symbols());
    });
  });
  return services;
}

telemetry::PolicyInfo Policies::report() const {
  telemetry::PolicyInfo info{.documents = book_->documents().size(),
                             .refused = store_.refused(),
                             .kept = store_.kept(),
                             .warnings = 0,
                             .readings = readings_,
                             .error = error_,
                             .findings = {}};
  for (const Finding& finding : store_.findings()) {
    if (finding.diagnostic.severity == Severity::kWarning) ++info.warnings;
    if (info.findings.size() < telemetry::Problem::kMaxKept) {
      info.findings.push_back(to_text(finding));
    }
  }
  return info;
}

}  // namespace vicinity
