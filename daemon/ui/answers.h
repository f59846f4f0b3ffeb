// What the page asks: paths to JSON, out of the admin protocol's own answers. Any thread, with a
// client of its own.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "ctl/admin_client.h"

namespace vicinity::ui {

struct Answer {
  int status = 200;  // of HTTP
  std::string json;
};

// The value of a parameter of the query, decoded; empty: it is not there.
using Parameter = std::function<std::string(std::string_view name)>;

//   /api/status     as `vicinityctl status -o json`
//   /api/services   as `vicinityctl services -o json`
//   /api/endpoints  ?service=NAMESPACE/HOSTNAME[&port=N]: as `vicinityctl endpoints -o json`
//   /api/explain    ?service=...[&port=N][&family=F]: as `vicinityctl explain -o json`
//   /api/flows      connects by service and tier
// Anything else, and what the daemon answers with an error, is {"error": "..."}.
[[nodiscard]] Answer answer(ctl::AdminClient& client, std::string_view path,
                            const Parameter& parameter);

}  // namespace vicinity::ui
