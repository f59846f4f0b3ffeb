#include "policy/book/sources.h"

#include <array>

#include "policy/istio/source.h"

namespace vicinity::policy::book {

std::span<const Source* const> sources() {
  static const std::array<const Source*, 1> all{&istio::source()};
  return all;
}

}  // namespace vicinity::policy::book
