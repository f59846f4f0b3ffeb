// One resource as it comes from a control plane, and all that the daemon makes of it: model, plan,
// table. The input is an istio.workload.Address.
#include <string>
#include <utility>
#include <variant>

#include "compile/compile.h"
#include "feed/decode.h"
#include "fuzz/check.h"
#include "model/snapshot.h"

namespace vicinity::fuzz {
namespace {

std::string name_of(const istio::workload::Address& address) {
  if (address.has_workload()) return address.workload().uid();
  return address.service().namespace_() + "/" + address.service().hostname();
}

void decode(const uint8_t* data, size_t size) {
  istio::workload::Address address;
  if (!address.ParseFromArray(data, static_cast<int>(size))) return;
  model::Snapshot snapshot("n1");
  feed::DecodeResult decoded = feed::decode_address(address, name_of(address), snapshot.symbols());
  check(decoded.value.has_value() == decoded.errors.empty(), "a value or errors");
  for (const feed::FieldError& error : decoded.errors) check(!error.message.empty(), "says why");
  if (!decoded.value) return;
  model::Delta delta;
  feed::add_to(delta, *std::move(decoded.value));
  snapshot.apply(std::move(delta));
  check(snapshot.service_count() + snapshot.workload_count() == 1, "is in the model");
  const auto tables = compile::compile_all(snapshot, compile::CompileOptions{});
  check(tables.ok() && tables->services.size() <= 1, "compiles");
  // Whatever is taken can be taken back.
  model::Delta removal;
  removal.removed.push_back(name_of(address));
  snapshot.apply(std::move(removal));
  check(snapshot.service_count() + snapshot.workload_count() == 0, "goes again");
}

}  // namespace
}  // namespace vicinity::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  vicinity::fuzz::decode(data, size);
  return 0;
}
