// The page: one document with its style and its script inside. Made once; any thread.
#pragma once

#include <string>
#include <string_view>

namespace vicinity::ui {

// `nonce` is what the response's Content-Security-Policy names.
[[nodiscard]] std::string page(std::string_view nonce);

}  // namespace vicinity::ui
