#include "feed/decode.h"

#include <utility>

#include "feed/decode_fields.h"

namespace vicinity::feed {

DecodeResult decode_address(const istio::workload::Address& address, std::string_view resource_name,
                            model::Symbols& symbols) {
  Fields fields(symbols);
  DecodeResult result;
  switch (address.type_case()) {
    case istio::workload::Address::kWorkload:
      result.value = decode_workload(address.workload(), resource_name, fields);
      break;
    case istio::workload::Address::kService:
      result.value = decode_service(address.service(), resource_name, fields);
      break;
    case istio::workload::Address::TYPE_NOT_SET:
      fields.reject({"address"}, "neither a workload nor a service");
      break;
  }
  if (!fields.ok()) result.value.reset();
  result.errors = fields.take_errors();
  return result;
}

void add_to(model::Delta& delta, Decoded decoded) {
  if (auto* workload = std::get_if<model::Workload>(&decoded)) {
    delta.workloads.push_back(std::move(*workload));
  } else {
    delta.services.push_back(std::move(std::get<model::Service>(decoded)));
  }
}

std::string to_text(std::span<const FieldError> errors) {
  std::string text;
  for (const FieldError& error : errors) {
    if (!text.empty()) text += "; ";
    text += error.path + ": " + error.message;
  }
  return text;
}

std::string_view resource_kind(const istio::workload::Address& address) {
  if (address.has_workload()) return "workload";
  return address.has_service() ? "service" : "address";
}

}  // namespace vicinity::feed
