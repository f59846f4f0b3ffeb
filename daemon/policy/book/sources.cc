#include "policy/book/sources.h"

#include <array>

#include "policy/istio/source.h"
#include "policy/kuma/source.h"
#include "policy/native/source.h"

namespace vicinity::policy::book {

std::span<const Source* const> sources() {
  static const std::array<const Source*, 3> all{&istio::source(), &kuma::source(),
                                                &native::source()};
  return all;
}

}  // namespace vicinity::policy::book
