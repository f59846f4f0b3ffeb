// What a traced choice means to people: whose socket it was, which service it asked for, which tier
// it got and why nobody nearer. Worked out from the model as it is now, a moment after the choice.
// For one batch of events; control thread.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <tuple>

#include "admin/control_queue.h"
#include "compile/explain.h"
#include "model/nearness.h"
#include "proto/vicinity/admin.pb.h"

namespace vicinity::admin {

class TraceNames {
 public:
  // `view` outlives this.
  explicit TraceNames(const ControlView& view) : view_(view) {}

  // Everything of a kChoice but its outcome.
  [[nodiscard]] TraceEvent describe(const dataplane::Traced& choice);

 private:
  using Table = std::tuple<model::SymbolId, uint16_t, model::Family>;

  [[nodiscard]] const compile::Explanation* explanation_of(const Table& table);
  void describe_endpoint(const dataplane::Traced& choice, model::SymbolId service, TraceEvent& to);

  const ControlView& view_;
  std::map<uint64_t, ClientPod> pods_;
  std::map<Table, std::optional<compile::Explanation>> explanations_;
};

// The service that an address belongs to for a client of that namespace.
[[nodiscard]] std::optional<model::SymbolId> service_at(const model::Snapshot& snapshot,
                                                        const model::IpAddress& address,
                                                        std::string_view name_space);

// Of each level nearer than `chosen`: whom there is, and why it was not them. Empty: nobody can be
// nearer.
[[nodiscard]] std::string passed_over(const compile::Explanation& explanation,
                                      const model::Snapshot& snapshot,
                                      const compile::ExplainedEndpoint& chosen);

}  // namespace vicinity::admin
