// A Dataplane in memory: the simplest thing that keeps the contract of dataplane.h, for tests of
// what stands above it. dataplane_contract.h holds it and the kernel's to the same rows. One
// thread.
#pragma once

#include <algorithm>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"
#include "dataplane/dataplane.h"

namespace vicinity::testing {

class FakeDataplane final : public dataplane::Dataplane {
 public:
  struct Limits {
    uint64_t slots = std::numeric_limits<uint64_t>::max();
  };

  FakeDataplane() = default;
  explicit FakeDataplane(Limits limits) : limits_(limits) {}

  [[nodiscard]] compile::Tables read_all() const override { return tables_; }

  void for_each_heading(const TakeHeading& take) const override {
    for (const auto& [name, table] : tables_.services) {
      compile::ServiceTable heading = table;
      for (compile::PortTable& port : heading.ports) port.slots.clear();
      take(heading);
    }
  }
  [[nodiscard]] bool has(std::string_view service) const override {
    return tables_.services.contains(std::string(service));
  }
  [[nodiscard]] bool holds(const compile::ServiceTable& table) const override {
    return read(table.name) == table;
  }

  [[nodiscard]] std::optional<compile::ServiceTable> read(std::string_view service) const override {
    auto found = tables_.services.find(std::string(service));
    if (found == tables_.services.end()) return std::nullopt;
    return found->second;
  }

  [[nodiscard]] dataplane::ApplyResult apply(const compile::Diff& diff) override {
    applied_.push_back(diff);
    dataplane::ApplyResult result;
    for (const std::string& name : diff.removals) {
      pending_.erase(name);
      result.removed += tables_.services.erase(name);
    }
    for (const compile::ServiceTable& table : diff.upserts) upsert(table, result);
    return result;
  }

  [[nodiscard]] std::optional<dataplane::NodeContext> load_context() const override {
    return context_;
  }
  absl::Status save_context(const dataplane::NodeContext& context) override {
    context_ = context;
    return absl::OkStatus();
  }

  [[nodiscard]] std::vector<dataplane::StoredEjection> load_ejections() const override {
    return ejections_;
  }
  absl::Status save_ejections(const std::vector<dataplane::StoredEjection>& ejections) override {
    ejections_ = ejections;
    return absl::OkStatus();
  }

  [[nodiscard]] absl::Status set_pods(dataplane::Pods pods) override {
    pods_ = std::move(pods);
    return absl::OkStatus();
  }
  [[nodiscard]] const dataplane::Pods& pods() const { return pods_; }

  void renew_lease(absl::Duration lease) override {
    lease_ = lease;
    ++renewals_;
  }

  void maintain() override {
    ++maintenances_;
    dataplane::ApplyResult ignored;
    for (const auto& [name, table] : std::map(pending_)) upsert(table, ignored);
  }

  [[nodiscard]] bool has_predecessor() const override { return predecessor_; }
  [[nodiscard]] absl::Status take_over() override {
    if (take_over_status_.ok()) predecessor_ = false;
    return take_over_status_;
  }

  [[nodiscard]] int maintenance_fd() const override { return -1; }
  [[nodiscard]] std::span<const dataplane::ObservedEndpoint> observed() override {
    return observed_;
  }
  [[nodiscard]] std::vector<dataplane::SuspicionEvent> take_suspicions() override {
    return std::exchange(suspicions_, {});
  }
  [[nodiscard]] dataplane::Outcomes outcomes() const override { return outcomes_; }
  [[nodiscard]] std::vector<dataplane::TierCounts> tier_counts() const override {
    return tier_counts_;
  }

  [[nodiscard]] dataplane::DataplaneStatus status() const override {
    dataplane::DataplaneStatus status;
    status.generation = 1;
    status.services = {.used = tables_.services.size(), .capacity = 1u << 20};
    status.slots4 = {.used = slots_without(""), .capacity = limits_.slots};
    status.watched_endpoints = {.used = observed_.size(), .capacity = 1u << 20};
    status.observed = observed_totals_;
    status.attached = true;
    status.cgroup = "/fake";
    for (const auto& [name, table] : pending_) status.pending_services.push_back(name);
    return status;
  }

  // What tests look at and turn.
  [[nodiscard]] const std::vector<compile::Diff>& applied() const { return applied_; }
  [[nodiscard]] absl::Duration lease() const { return lease_; }
  [[nodiscard]] uint64_t renewals() const { return renewals_; }
  [[nodiscard]] uint64_t maintenances() const { return maintenances_; }
  // What the kernel says to every update of this service; ok: no more.
  void set_failure(const std::string& service, const absl::Status& status) {
    if (status.ok()) {
      failures_.erase(service);
    } else {
      failures_[service] = status;
    }
  }
  void set_predecessor() { predecessor_ = true; }
  void set_take_over_status(absl::Status status) { take_over_status_ = std::move(status); }
  void set_limits(Limits limits) { limits_ = limits; }
  void set_tables(compile::Tables tables) { tables_ = std::move(tables); }  // as if adopted
  // Sorted by id; the services' names outlive this.
  void set_observed(std::vector<dataplane::ObservedEndpoint> endpoints) {
    observed_ = std::move(endpoints);
  }
  void set_observed_totals(const dataplane::ObservedTotals& totals) { observed_totals_ = totals; }
  void add_suspicion(const dataplane::SuspicionEvent& event) { suspicions_.push_back(event); }
  void set_outcomes(const dataplane::Outcomes& outcomes) { outcomes_ = outcomes; }
  void set_tier_counts(std::vector<dataplane::TierCounts> counts) {
    tier_counts_ = std::move(counts);
  }

 private:
  static uint64_t slots_of(const compile::ServiceTable& table) {
    uint64_t slots = 0;
    for (const compile::PortTable& port : table.ports) slots += port.slots.size();
    return slots;
  }

  [[nodiscard]] uint64_t slots_without(std::string_view service) const {
    uint64_t slots = 0;
    for (const auto& [name, table] : tables_.services) {
      if (name != service) slots += slots_of(table);
    }
    return slots;
  }

  void upsert(const compile::ServiceTable& table, dataplane::ApplyResult& result) {
    if (const auto failure = failures_.find(table.name); failure != failures_.end()) {
      result.refused.push_back({.service = table.name, .status = failure->second});
      return;
    }
    const uint64_t used = slots_without(table.name);
    if (slots_of(table) > limits_.slots || used > limits_.slots - slots_of(table)) {
      pending_.insert_or_assign(table.name, table);
      result.refused.push_back(
          {.service = table.name,
           .status = base::exhausted("service {}: publish {} slots: arena full ({} of {})",
                                     table.name, slots_of(table), used, limits_.slots)});
      return;
    }
    pending_.erase(table.name);
    take_addresses(table);
    tables_.services.insert_or_assign(table.name, table);
    ++result.published;
  }

  // An address has one owner: who is published last. A service that stays behind loses it.
  void take_addresses(const compile::ServiceTable& table) {
    const std::set<model::IpAddress> taken(table.addresses.begin(), table.addresses.end());
    for (auto& [name, other] : tables_.services) {
      if (name == table.name) continue;
      std::erase_if(other.addresses, [&](const auto& ip) { return taken.contains(ip); });
      std::erase_if(other.ports, [&](const compile::PortTable& port) {
        return std::ranges::find(other.addresses, port.family, &model::IpAddress::family) ==
               other.addresses.end();
      });
    }
  }

  Limits limits_;
  compile::Tables tables_;
  std::map<std::string, compile::ServiceTable> pending_;
  std::vector<compile::Diff> applied_;
  std::vector<dataplane::TierCounts> tier_counts_;
  dataplane::Outcomes outcomes_;
  std::vector<dataplane::ObservedEndpoint> observed_;
  std::vector<dataplane::SuspicionEvent> suspicions_;
  dataplane::ObservedTotals observed_totals_;
  std::optional<dataplane::NodeContext> context_;
  std::vector<dataplane::StoredEjection> ejections_;
  std::map<std::string, absl::Status> failures_;
  bool predecessor_ = false;
  absl::Status take_over_status_;
  dataplane::Pods pods_;
  absl::Duration lease_ = absl::ZeroDuration();
  uint64_t renewals_ = 0;
  uint64_t maintenances_ = 0;
};

}  // namespace vicinity::testing
