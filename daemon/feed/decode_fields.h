// What decoding a workload and a service have in common: the error list, checked strings, ports
// and addresses. Internal to the folder. Control thread.
#pragma once

#include <fmt/format.h>
#include <google/protobuf/repeated_field.h>

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "feed/decode.h"
#include "model/ip_address.h"
#include "model/service.h"
#include "model/symbols.h"
#include "model/workload.h"
#include "proto/workload.pb.h"

namespace vicinity::feed {

// Where a field is: head, head[index] or head["key"], then tail. Text is made only for an error,
// as nearly every one of a million workloads has none.
struct FieldPath {
  std::string_view head;
  std::string_view tail = {};
  int index = -1;
  std::string_view key = {};
  [[nodiscard]] std::string text() const;
};

class Fields {
 public:
  explicit Fields(model::Symbols& symbols) : symbols_(symbols) {}

  template <class... Args>
  void reject(const FieldPath& path, fmt::format_string<Args...> format, Args&&... args) {
    errors_.push_back({path.text(), fmt::format(format, std::forward<Args>(args)...)});
  }

  // Checks that `text` is a plausible name of at most `max` bytes and interns it.
  model::SymbolId symbol(std::string_view text, const FieldPath& path, size_t max = kMaxText);
  // Only checks: no control characters, at most `max` bytes.
  void check_text(std::string_view text, const FieldPath& path, size_t max = kMaxText);

  // Sorted by service port, the last of equal ones wins. `path` names the list.
  model::Ports ports(const google::protobuf::RepeatedPtrField<istio::workload::Port>& list,
                     const FieldPath& path);
  std::optional<model::IpAddress> ip(std::string_view bytes, const FieldPath& path);

  // The enum value when `known`; else an error.
  template <class To, class From>
  To enum_value(From value, bool known, const FieldPath& path) {
    if (known) return static_cast<To>(value);
    reject(path, "unknown value {}", static_cast<int>(value));
    return To{};
  }

  [[nodiscard]] bool ok() const { return errors_.empty(); }
  [[nodiscard]] std::vector<FieldError> take_errors() { return std::move(errors_); }
  [[nodiscard]] model::Symbols& symbols() { return symbols_; }

  static constexpr size_t kMaxText = 1024;
  static constexpr size_t kMaxHostname = 253;
  static constexpr size_t kMaxNamespace = 63;

 private:
  model::Symbols& symbols_;
  std::vector<FieldError> errors_;
};

model::Workload decode_workload(const istio::workload::Workload& from, std::string_view name,
                                Fields& fields);
model::Service decode_service(const istio::workload::Service& from, std::string_view name,
                              Fields& fields);

}  // namespace vicinity::feed
