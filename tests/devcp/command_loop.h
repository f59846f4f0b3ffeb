// Serves the console on standard input and output, and on a unix socket, until a signal, `quit`, or
// for ever; meanwhile follows a mesh file. The program's main thread.
#pragma once

#include <absl/status/status.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "devcp/console.h"
#include "feed/file/file_watch.h"
#include "feed/file/mesh_loader.h"

namespace vicinity::devcp {

// Before any thread is made: only then does the loop get the signals, and ends in order.
void block_stop_signals();

class CommandLoop {
 public:
  CommandLoop(DevControlPlane& plane, Console& console) : plane_(plane), console_(console) {}

  absl::Status listen(const std::string& socket_path);
  // Serves the file's resources from now on; an unusable one is reported on stderr.
  absl::Status follow(const std::string& mesh_path);
  absl::Status run();

 private:
  // Somebody who types commands.
  struct Talker {
    base::UniqueFd owned;  // a connection; standard input is nobody's
    int in = -1;
    int out = -1;
    std::string pending;
  };

  void accept_talker();
  // False at the end of the input.
  bool serve(Talker& talker);
  void reload();

  DevControlPlane& plane_;
  Console& console_;
  base::UniqueFd listener_;
  std::vector<Talker> talkers_;
  std::optional<feed::FileWatch> watch_;
  std::optional<feed::MeshLoader> loader_;
};

}  // namespace vicinity::devcp
