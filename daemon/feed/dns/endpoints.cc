#include "feed/dns/endpoints.h"

#include <fmt/format.h>

#include <algorithm>

namespace vicinity::feed::dns {

bool Endpoints::forget(const std::string& uid) {
  const auto known = name_of_.find(uid);
  if (known == name_of_.end()) return false;
  const auto name = names_.find(known->second);
  name->second.uids.erase(uid);
  name_of_.erase(known);
  if (!name->second.uids.empty()) return false;
  names_.erase(name);
  return true;
}

bool Endpoints::note(model::Delta& delta, const model::Symbols& symbols) {
  bool changed = false;
  for (const std::string& name : delta.removed) changed = forget(name) || changed;
  for (model::Workload& workload : delta.workloads) {
    const std::string hostname(symbols.name(workload.hostname));
    if (hostname.empty() || !workload.addresses.empty()) {
      changed = forget(workload.uid) || changed;
      continue;
    }
    const auto known = name_of_.find(workload.uid);
    if (known != name_of_.end() && known->second != hostname) {
      changed = forget(workload.uid) || changed;
    }
    const auto [name, fresh] = names_.try_emplace(hostname);
    changed = changed || fresh;
    name->second.uids.insert(workload.uid);
    name_of_.insert_or_assign(workload.uid, hostname);
    workload.addresses.assign(name->second.addresses.begin(), name->second.addresses.end());
  }
  return changed;
}

model::Delta Endpoints::answered(const Answer& answer, const model::Snapshot& snapshot) {
  model::Delta delta;
  const auto found = names_.find(answer.hostname);
  if (found == names_.end()) return delta;  // nobody wants it any more
  Name& name = found->second;
  name.problem = answer.error;
  if (answer.addresses.empty() || name.addresses == answer.addresses) return delta;
  name.addresses = answer.addresses;
  for (const std::string& uid : name.uids) {
    const model::Workload* known = snapshot.find_workload(uid);
    if (known == nullptr) continue;
    model::Workload& workload = delta.workloads.emplace_back(*known);
    workload.addresses.assign(name.addresses.begin(), name.addresses.end());
  }
  return delta;
}

std::set<std::string> Endpoints::hostnames() const {
  std::set<std::string> hostnames;
  for (const auto& [hostname, name] : names_) hostnames.insert(hostname);
  return hostnames;
}

std::vector<std::string> Endpoints::problems() const {
  std::vector<std::string> problems;
  for (const auto& [hostname, name] : names_) {
    if (!name.problem.empty()) problems.push_back(fmt::format("{}: {}", hostname, name.problem));
  }
  return problems;
}

}  // namespace vicinity::feed::dns
