#include "ctl/bundle_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include "base/status.h"
#include "ctl/tar.h"
#include "model/ip_address.h"

namespace vicinity::ctl {
namespace {

using admin::PortExplanation;
using admin::ServiceExplanations;

absl::Status incomplete(const std::string& path, std::string_view name) {
  return base::invalid("bundle {}: {} is missing or damaged", path, name);
}

template <class Message>
absl::StatusOr<Message> read_message(const std::string& path, std::string_view wanted) {
  Message message;
  bool found = false;
  VIC_RETURN_IF_ERROR(read_tar(path, [&](std::string_view name, const std::string& content) {
    if (name == wanted) found = message.ParseFromString(content);
    return name != wanted;
  }));
  if (!found) return incomplete(path, wanted);
  return message;
}

absl::StatusOr<ServiceExplanations> find_service(const std::string& path,
                                                 const std::string& service) {
  std::optional<ServiceExplanations> found;
  absl::Status problem;
  const auto take = [&](std::string_view name, const std::string& content) {
    if (!name.starts_with(kBundleExplanations)) return true;
    admin::ExplanationsReply part;
    if (!part.ParseFromString(content)) problem = incomplete(path, name);
    for (ServiceExplanations& one : *part.mutable_services()) {
      if (one.service() == service) found = std::move(one);
    }
    return problem.ok() && !found;
  };
  VIC_RETURN_IF_ERROR(read_tar(path, take));
  VIC_RETURN_IF_ERROR(problem);
  if (!found) return base::not_found("service {}: not known", service);
  if (found->error_code() == 0) return *std::move(found);
  return absl::Status(static_cast<absl::StatusCode>(found->error_code()), found->error());
}

std::vector<PortExplanation> asked_for(const ServiceExplanations& service,
                                       const compile::ServiceQuestion& question) {
  std::vector<PortExplanation> some;
  for (const PortExplanation& one : service.ports()) {
    const bool port = !question.port || one.port() == *question.port;
    const bool family =
        question.family ? one.family() == model::family_name(*question.family) : one.unasked();
    if (port && family) some.push_back(one);
  }
  // By port, IPv4 first, as the daemon has them.
  std::sort(some.begin(), some.end(), [](const PortExplanation& a, const PortExplanation& b) {
    return std::pair(a.port(), a.family()) < std::pair(b.port(), b.family());
  });
  return some;
}

std::string tables_of(const std::vector<PortExplanation>& some) {
  std::string text;
  for (const PortExplanation& one : some) text += (text.empty() ? "" : "\n") + one.table();
  return text;
}

}  // namespace

absl::StatusOr<admin::StatusReply> bundle_status(const std::string& path) {
  return read_message<admin::StatusReply>(path, kBundleStatus);
}

absl::StatusOr<admin::ServicesReply> bundle_services(const std::string& path) {
  return read_message<admin::ServicesReply>(path, kBundleServices);
}

absl::StatusOr<std::string> bundle_explain(const std::string& path,
                                           const compile::ServiceQuestion& question,
                                           BundleText text) {
  VIC_ASSIGN_OR_RETURN(const auto service, find_service(path, question.service));
  const auto some = asked_for(service, question);
  if (some.empty()) {
    return base::not_found("service {}: has no port {}", question.service,
                           question.port.value_or(0));
  }
  switch (text) {
    case BundleText::kJson:
      return some.front().json();
    case BundleText::kTable:
      return tables_of(some);
    case BundleText::kEndpointsJson:
      return question.port ? some.front().endpoints_json() : service.endpoints_json();
    case BundleText::kEndpoints:
      return question.port ? some.front().endpoints() : service.endpoints();
  }
  return base::internal("no such text");
}

}  // namespace vicinity::ctl
