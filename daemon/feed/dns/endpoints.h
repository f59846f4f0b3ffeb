// Workloads with a host name and no address: which there are, what their names resolve to, and the
// deltas that follow. The last good answer stays whatever comes after it. Control thread.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "feed/dns/names.h"
#include "model/delta.h"
#include "model/snapshot.h"

namespace vicinity::feed::dns {

class Endpoints {
 public:
  // Of a delta on its way into the model: notes whose name is to be looked up, and gives those the
  // addresses that are known already. True: hostnames() has changed.
  [[nodiscard]] bool note(model::Delta& delta, const model::Symbols& symbols);
  // What an answer changes.
  [[nodiscard]] model::Delta answered(const Answer& answer, const model::Snapshot& snapshot);

  [[nodiscard]] std::set<std::string> hostnames() const;
  // "name: why", of names whose last lookup failed; sorted.
  [[nodiscard]] std::vector<std::string> problems() const;

 private:
  struct Name {
    std::set<std::string> uids;  // of the workloads that have it
    std::vector<model::IpAddress> addresses;
    std::string problem;
  };
  [[nodiscard]] bool forget(const std::string& uid);

  std::map<std::string, Name> names_;
  std::map<std::string, std::string> name_of_;  // by uid
};

}  // namespace vicinity::feed::dns
