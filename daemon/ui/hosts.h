// By which names a browser may call this server. Pure.
#pragma once

#include <string>
#include <string_view>

namespace vicinity::ui {

// Is this Host header ours? A page of somebody else that had its own name resolve to this address
// (DNS rebinding) sends its own name. `listen` is the host of --ui-address: on loopback only
// loopback's names are ours, elsewhere every address literal is, which cannot be rebound. The port
// does not matter: port-forwarding changes it.
[[nodiscard]] bool is_our_host(std::string_view header, std::string_view listen);

// 127.0.0.0/8, ::1 or "localhost".
[[nodiscard]] bool is_loopback(std::string_view host);

}  // namespace vicinity::ui
