// What the tables of services shall be, and which of them the data plane has already. Two threads
// share the work when there is much of it: what compiling takes is mostly waiting for memory.
#pragma once

#include <absl/status/statusor.h>

#include <optional>
#include <span>
#include <vector>

#include "compile/compile.h"
#include "dataplane/dataplane.h"
#include "model/snapshot.h"

namespace vicinity {

struct Wanted {
  // nullopt: no table. Error: no table can say it.
  absl::StatusOr<std::optional<compile::CompiledService>> compiled = std::nullopt;
  bool is_published = false;  // the data plane holds just this table

  // nullptr: there is none.
  [[nodiscard]] const compile::CompiledService* service() const {
    if (!compiled.ok()) return nullptr;
    const std::optional<compile::CompiledService>& made = *compiled;
    return made ? &*made : nullptr;
  }
};

struct WantedFrom {
  const model::Snapshot& snapshot;
  const compile::CompileOptions& options;
  const dataplane::Dataplane& dataplane;
};

[[nodiscard]] Wanted wanted_table(const WantedFrom& from, model::SymbolId service);

// Of each service, in the order given. Nothing may change meanwhile of what `from` refers to.
[[nodiscard]] std::vector<Wanted> wanted_tables(const WantedFrom& from,
                                                std::span<const model::SymbolId> services);

}  // namespace vicinity
