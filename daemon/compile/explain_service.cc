#include "compile/explain_service.h"

#include <fmt/format.h>

#include <set>
#include <utility>

#include "base/status.h"

namespace vicinity::compile {
namespace {

// Sorted; IPv4 when nothing says otherwise.
std::set<model::Family> families_of(const model::Snapshot& snapshot,
                                    const model::Service& service) {
  std::set<model::Family> families;
  for (const model::ServiceAddress& address : service.addresses) families.insert(address.ip.family);
  if (!families.empty()) return families;
  for (const model::WorkloadIndex index : snapshot.endpoints(service.key)) {
    for (const model::IpAddress& ip : snapshot.workload(index).addresses) {
      families.insert(ip.family);
    }
  }
  if (families.empty()) families.insert(model::Family::kIpv4);
  return families;
}

std::vector<uint16_t> ports_of(const model::Service& service, const ServiceQuestion& question) {
  if (question.port) return {*question.port};
  std::vector<uint16_t> ports;
  for (const model::Port& port : service.ports) ports.push_back(port.service_port);
  return ports;
}

}  // namespace

absl::StatusOr<std::vector<Explanation>> explain_service(const model::Snapshot& snapshot,
                                                         const ServiceQuestion& question,
                                                         const model::ClientContext& client,
                                                         const CompileOptions& options) {
  const auto key = snapshot.symbols().find(question.service);
  const model::Service* service = key ? snapshot.find_service(*key) : nullptr;
  if (service == nullptr) {
    return absl::NotFoundError(fmt::format("service {}: not known", question.service));
  }
  std::set<model::Family> families = families_of(snapshot, *service);
  if (question.family) families = {*question.family};
  std::vector<Explanation> explanations;
  for (const uint16_t port : ports_of(*service, question)) {
    for (const model::Family family : families) {
      const PlanRequest request{.query = {service->key, port, family}, .client = client};
      VIC_ASSIGN_OR_RETURN(auto explanation, explain(snapshot, request, options));
      explanations.push_back(std::move(explanation));
    }
  }
  if (explanations.empty()) {
    return absl::NotFoundError(fmt::format("service {}: has no ports", question.service));
  }
  return explanations;
}

}  // namespace vicinity::compile
