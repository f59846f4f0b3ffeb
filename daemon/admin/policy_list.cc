#include "admin/policy_list.h"

#include <span>
#include <string>

#include "compile/compile.h"

namespace vicinity::admin {
namespace {

// One question's work: this many services are asked about, whether or not they are shown.
constexpr size_t kServicesPerPart = 1000;

void add_documents(const policy::book::Book& book, PoliciesReply& reply) {
  for (const policy::Document& document : book.documents()) {
    PolicyDocument& row = *reply.add_documents();
    row.set_document(to_text(document.id));
    row.set_source(document.source);
    row.set_file(document.file);
    row.set_line(static_cast<uint32_t>(document.line));
    for (const policy::Diagnostic& warning : document.warnings) {
      const std::string path = warning.path.empty() ? "" : warning.path + ": ";
      row.add_warnings(path + warning.message);
    }
  }
}

void add_verdicts(std::span<const policy::Verdict> verdicts,
                  google::protobuf::RepeatedPtrField<PolicyVerdict>& rows) {
  for (const policy::Verdict& verdict : verdicts) {
    PolicyVerdict& row = *rows.Add();
    row.set_document(to_text(verdict.document->id));
    row.set_why(std::string(verdict.why));
  }
}

PolicyUse use_of(const ControlView& view, const policy::PortQuery& query) {
  PolicyUse use;
  const auto resolution = resolve_port(
      view.snapshot(), {.query = query, .client = view.snapshot().self()}, view.options());
  if (resolution.planner != nullptr) add_verdicts(resolution.applied, *use.mutable_decides());
  add_verdicts(resolution.passed_over, *use.mutable_passed_over());
  return use;
}

// Ports of which the same is to be said share one row.
void add_service(const ControlView& view, const model::Service& service, PoliciesReply& reply) {
  const std::string name(view.snapshot().symbols().name(service.key));
  std::string last;
  for (const model::Port& port : service.ports) {
    PolicyUse use = use_of(view, {.service = service.key, .port = port.service_port});
    if (use.decides().empty() && use.passed_over().empty()) continue;
    std::string said = use.SerializeAsString();
    if (said != last) {
      use.set_service(name);
      *reply.add_uses() = std::move(use);
      last = std::move(said);
    }
    reply.mutable_uses(reply.uses_size() - 1)->add_ports(port.service_port);
  }
}

}  // namespace

PoliciesReply PolicyList::next(const ControlView& view) {
  PoliciesReply reply;
  const auto& book = view.options().policies;
  if (book == nullptr) return reply;
  if (!started_) {
    started_ = true;
    services_ = view.snapshot().service_keys();
    add_documents(*book, reply);
    if (!reply.documents().empty()) return reply;
  }
  // A part without a row would look like the end.
  while (at_ < services_.size() && reply.uses().empty()) {
    for (size_t i = 0; i < kServicesPerPart && at_ < services_.size(); ++i, ++at_) {
      const model::Service* service = view.snapshot().find_service(services_[at_]);
      if (service != nullptr) add_service(view, *service, reply);
    }
  }
  return reply;
}

}  // namespace vicinity::admin
