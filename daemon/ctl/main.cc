// Entry point of vicinityctl. Exit status: 0 done, 1 the daemon could not answer, 2 bad usage or
// input or no daemon, 3 no such service or port.
#include <cstdio>
#include <string_view>

#include "ctl/commands.h"

namespace {

void write(std::FILE* file, std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), file);
  std::fflush(file);  // a trace is read while it runs
}

}  // namespace

int main(int argc, char** argv) {
  return vicinity::ctl::run_ctl(argc, argv,
                                {.out = [](std::string_view text) { write(stdout, text); },
                                 .err = [](std::string_view text) { write(stderr, text); }});
}
