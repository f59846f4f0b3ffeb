// Arguments of main() as CLI11 should get them. Pure.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace vicinity::config {

// In reverse, without the program's name. "--name=" becomes two arguments: CLI11 would take the
// next flag for its value.
[[nodiscard]] inline std::vector<std::string> reversed_arguments(int argc,
                                                                 const char* const* argv) {
  std::vector<std::string> args;
  for (int i = argc - 1; i > 0; --i) {
    std::string arg = argv[i];
    const bool empty_value = arg.starts_with("--") && arg.find('=') == arg.size() - 1;
    if (empty_value) {
      args.emplace_back();
      arg.pop_back();
    }
    args.push_back(std::move(arg));
  }
  return args;
}

}  // namespace vicinity::config
