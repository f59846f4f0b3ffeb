// vicinity-devcp: a workload control plane for tests and the demo. Not for production: it believes
// everybody.
#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/status.h"
#include "devcp/command_loop.h"
#include "devcp/console.h"
#include "devcp/dev_control_plane.h"

namespace {

using namespace vicinity;  // NOLINT(google-build-using-namespace): the program itself

struct Flags {
  devcp::DevOptions options;
  devcp::Faults faults;
  std::string mesh;
  std::string step_dir;
  std::string recording;
  std::string control;
  std::string write_mesh;
  size_t steps = 1;
};

void declare(CLI::App& app, Flags& flags) {
  app.add_option("--listen", flags.options.listen, "address to serve on; port 0: any free one")
      ->default_val("127.0.0.1:15010");
  auto* source = app.add_option_group("source", "what to serve");
  source->add_option("--mesh", flags.mesh, "a mesh file, followed when it changes");
  source->add_option("--step-dir", flags.step_dir, "folder of NN-step.yaml mesh files");
  source->add_option("--recording", flags.recording, "folder of NN-step.pb recorded messages");
  source->require_option(1);
  app.add_option("--write-mesh", flags.write_mesh,
                 "write the recording's state after each step into this folder and end");
  app.add_option("--steps", flags.steps, "steps played before the first client")->default_val(1);
  app.add_option("--parts", flags.options.parts, "messages per answer to a new stream")
      ->default_val(1)
      ->check(CLI::PositiveNumber);
  app.add_option("--deny", flags.faults.deny, "end every stream with this message");
  app.add_option("--token", flags.options.token, "serve only streams with this bearer token");
  auto* cert = app.add_option("--tls-cert", flags.options.tls_cert, "PEM certificate chain");
  auto* key = app.add_option("--tls-key", flags.options.tls_key, "PEM private key");
  cert->needs(key);
  key->needs(cert);
  app.add_option("--control", flags.control, "unix socket for commands, beside standard input");
}

absl::StatusOr<std::vector<devcp::Step>> load_steps(const Flags& flags) {
  if (!flags.recording.empty()) return devcp::load_recording(flags.recording);
  if (!flags.step_dir.empty()) return devcp::load_mesh_steps(flags.step_dir);
  return std::vector<devcp::Step>{};
}

// Services first, as a person would write them.
absl::Status write_mesh(const Flags& flags) {
  VIC_ASSIGN_OR_RETURN(const auto steps, devcp::load_recording(flags.recording));
  for (size_t i = 0; i < steps.size(); ++i) {
    VIC_ASSIGN_OR_RETURN(auto state, devcp::state_after(std::span(steps).first(i + 1)));
    std::vector<istio::workload::Address> services;
    std::vector<istio::workload::Address> workloads;
    for (auto& each : state) {
      auto& kind = each.address.has_service() ? services : workloads;
      kind.push_back(std::move(each.address));
    }
    const std::string path = fmt::format("{}/{}.yaml", flags.write_mesh, steps[i].name);
    std::ofstream file(path, std::ios::trunc);
    file << feed::write_mesh(services) << "---\n" << feed::write_mesh(workloads);
    if (!file.flush()) return base::errno_status(path);
  }
  return absl::OkStatus();
}

absl::Status serve(const Flags& flags) {
  devcp::block_stop_signals();
  VIC_ASSIGN_OR_RETURN(auto steps, load_steps(flags));
  VIC_ASSIGN_OR_RETURN(const auto plane, devcp::DevControlPlane::start(flags.options));
  plane->set_faults(flags.faults);
  const size_t first_steps = std::min(flags.steps, steps.size());
  devcp::Console console(*plane, std::move(steps));
  for (size_t i = 0; i < first_steps; ++i) console.execute("step");
  devcp::CommandLoop loop(*plane, console);
  if (!flags.control.empty()) VIC_RETURN_IF_ERROR(loop.listen(flags.control));
  if (!flags.mesh.empty()) VIC_RETURN_IF_ERROR(loop.follow(flags.mesh));
  fmt::print("{{\"listening\": \"{}\"}}\n", plane->address());
  std::fflush(stdout);
  return loop.run();
}

absl::Status run(const Flags& flags) {
  return flags.write_mesh.empty() ? serve(flags) : write_mesh(flags);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Serves workloads to Vicinity daemons: mesh files or recordings, over delta ADS.",
               "vicinity-devcp");
  Flags flags;
  declare(app, flags);
  CLI11_PARSE(app, argc, argv);
  if (const absl::Status status = run(flags); !status.ok()) {
    fmt::print(stderr, "vicinity-devcp: {}\n", base::message(status));
    return 1;
  }
  return 0;
}
