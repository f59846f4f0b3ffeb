#include "policy/book/sources.h"

#include <array>

#include "policy/istio/source.h"
#include "policy/kuma/source.h"

namespace vicinity::policy::book {

std::span<const Source* const> sources() {
  static const std::array<const Source*, 2> all{&istio::source(), &kuma::source()};
  return all;
}

}  // namespace vicinity::policy::book
