// The commands of vicinityctl, one file each. Every one returns the exit status.
#pragma once

#include "config/command_line.h"
#include "ctl/terminal.h"

namespace vicinity::ctl {

int run_status(const config::CommandLine& line, const Terminal& terminal);
int run_ready(const config::CommandLine& line, const Terminal& terminal);
int run_services(const config::CommandLine& line, const Terminal& terminal);
int run_endpoints(const config::CommandLine& line, const Terminal& terminal);
int run_explain(const config::CommandLine& line, const Terminal& terminal);
int run_dump(const config::CommandLine& line, const Terminal& terminal);
int run_policy(const config::CommandLine& line, const Terminal& terminal);
int run_check(const config::CommandLine& line, const Terminal& terminal);
int run_bundle(const config::CommandLine& line, const Terminal& terminal);
int run_metrics(const config::CommandLine& line, const Terminal& terminal);
int run_trace(const config::CommandLine& line, const Terminal& terminal);
int run_top(const config::CommandLine& line, const Terminal& terminal);
int run_completion(const config::CommandLine& line, const Terminal& terminal);
int run_manual(const config::CommandLine& line, const Terminal& terminal);

// The table of all of them.
config::Program program();

// Parses and runs; the whole program but for its streams.
int run_ctl(int argc, const char* const* argv, const Terminal& terminal);

}  // namespace vicinity::ctl
