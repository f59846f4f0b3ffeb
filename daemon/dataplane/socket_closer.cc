#include "dataplane/socket_closer.h"

#include <utility>

#include "base/status.h"

namespace vicinity::dataplane {

absl::StatusOr<std::unique_ptr<SocketCloser>> make_socket_closer(const Object& object) {
  auto iterator = make_iterator_closer(object);
  if (iterator.ok()) return iterator;
  auto diag = make_diag_closer();
  if (diag.ok()) return diag;
  return absl::UnavailableError(
      fmt::format("{}; {}", base::message(iterator.status()), base::message(diag.status())));
}

}  // namespace vicinity::dataplane
