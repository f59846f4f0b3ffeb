#include "admin/dump.h"

#include <fmt/format.h>

#include <optional>
#include <utility>
#include <vector>

#include "base/status.h"
#include "compile/explain_service.h"
#include "model/delta.h"

namespace vicinity::admin {
namespace {

// The lines of model::to_text(snapshot). What goes or comes between two parts may be missing.
class SnapshotDump : public Dump {
 public:
  std::string next(const ControlView& view) override {
    const model::Snapshot& snapshot = view.snapshot();
    std::string part = started_ ? std::string() : start(snapshot);
    for (; service_ < services_.size() && part.size() < kPartBytes; ++service_) {
      const model::Service* service = snapshot.find_service(services_[service_]);
      if (service != nullptr) part += to_text(*service, snapshot.symbols()) + "\n";
    }
    for (; workload_ < workloads_.size() && part.size() < kPartBytes; ++workload_) {
      const model::Workload* workload = snapshot.find_workload(workloads_[workload_]);
      if (workload != nullptr) part += to_text(*workload, snapshot.symbols()) + "\n";
    }
    return part;
  }

 private:
  std::string start(const model::Snapshot& snapshot) {
    started_ = true;
    services_ = snapshot.service_keys();
    workloads_ = snapshot.workload_uids();
    return fmt::format("self {}\n", model::place_text(snapshot.self().place, snapshot.symbols()));
  }

  bool started_ = false;
  std::vector<model::SymbolId> services_;
  std::vector<std::string> workloads_;
  size_t service_ = 0;
  size_t workload_ = 0;
};

// The explanation of every port of every service.
class PlanDump : public Dump {
 public:
  std::string next(const ControlView& view) override {
    if (!services_) services_ = view.snapshot().service_keys();
    std::string part;
    for (; service_ < services_->size() && part.size() < kPartBytes; ++service_) {
      part += explanations(view, (*services_)[service_]);
    }
    return part;
  }

 private:
  static std::string explanations(const ControlView& view, model::SymbolId key) {
    const model::Snapshot& snapshot = view.snapshot();
    const compile::ServiceQuestion question{
        .service = std::string(snapshot.symbols().name(key)), .port = {}, .family = {}};
    const auto all = explain_service(snapshot, question, snapshot.self(), view.options());
    if (!all.ok()) return fmt::format("{}\n\n", base::message(all.status()));
    std::string text;
    for (const compile::Explanation& one : *all) text += to_table(one) + "\n";
    return text;
  }

  std::optional<std::vector<model::SymbolId>> services_;
  size_t service_ = 0;
};

// What the kernel has, also of services that the feed has not (yet) told of.
class TablesDump : public Dump {
 public:
  std::string next(const ControlView& view) override {
    if (!tables_) {
      tables_ = view.kernel_tables();
      service_ = tables_->services.begin();
    }
    std::string part;
    for (; service_ != tables_->services.end() && part.size() < kPartBytes; ++service_) {
      part += to_text(service_->second);
    }
    return part;
  }

 private:
  std::optional<compile::Tables> tables_;
  std::map<std::string, compile::ServiceTable>::const_iterator service_;
};

}  // namespace

std::unique_ptr<Dump> Dump::of(DumpRequest::Stage stage) {
  switch (stage) {
    case DumpRequest::SNAPSHOT:
      return std::make_unique<SnapshotDump>();
    case DumpRequest::PLAN:
      return std::make_unique<PlanDump>();
    case DumpRequest::TABLES:
      return std::make_unique<TablesDump>();
    default:
      return nullptr;
  }
}

}  // namespace vicinity::admin
