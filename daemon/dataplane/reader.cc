#include "dataplane/reader.h"

#include <utility>

#include "base/status.h"
#include "dataplane/context_codec.h"
#include "dataplane/counters.h"
#include "dataplane/survey.h"

namespace vicinity::dataplane {

absl::StatusOr<Reader> Reader::open(std::string_view pin_dir, uint32_t version) {
  for (const GenerationPin& pin : Pins(pin_dir, version).generations()) {
    if (!pin.complete) continue;
    Reader reader;
    reader.generation_ = pin.number;
    VIC_ASSIGN_OR_RETURN(reader.maps_, Pins::open(pin));
    std::map<std::string, int> fds;
    for (const auto& [name, fd] : reader.maps_) fds.emplace(name, fd.get());
    VIC_ASSIGN_OR_RETURN(reader.tables_, map_tables(fds, Access::kReadOnly));
    return reader;
  }
  return absl::NotFoundError(fmt::format("pin directory {}: no tables", pin_dir));
}

compile::Tables Reader::tables() const { return load_all(tables_.memory); }

Outcomes Reader::outcomes() const {
  return read_outcomes(maps_.at("vic_outcomes").get(), tables_.memory.counters);
}

std::vector<TierCounts> Reader::tier_counts() const {
  Counters counters({.counters = tables_.memory.counters, .refusals = {}},
                    maps_.at("vic_outcomes").get());
  for (const auto& [name, service] : survey(tables_.memory).services) {
    counters.take(service.counter_row, name);
  }
  counters.publish_rows();
  return counters.tier_counts();
}

std::optional<NodeContext> Reader::context() const {
  return load_context(tables_.memory.context[0]);
}

}  // namespace vicinity::dataplane
