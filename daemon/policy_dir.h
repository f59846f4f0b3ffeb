// The folder of policy files (--policy-dir): read whole on a thread of its own whenever anything in
// it may have changed, also where it is a mounted ConfigMap whose links are switched. Started,
// asked and stopped by the control thread.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <atomic>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/unique_fd.h"
#include "feed/file/file_watch.h"
#include "policy/book/load.h"

namespace vicinity {

// One reading of the folder.
struct PolicyReading {
  absl::Status status;  // why it could not be used at all: then what was read before stays
  policy::book::Load load;
};

// Files named *.yaml, *.yml or *.json, by name; not those whose names begin with a dot, and no
// folders below. Error: the folder, or a file in it, cannot be read.
[[nodiscard]] absl::StatusOr<std::vector<policy::book::FileText>> read_policy_files(
    const std::filesystem::path& folder);

class PolicyDir {
 public:
  explicit PolicyDir(std::filesystem::path folder) : folder_(std::move(folder)) {}
  PolicyDir(const PolicyDir&) = delete;
  PolicyDir& operator=(const PolicyDir&) = delete;
  ~PolicyDir();

  // Reads once before it returns, so that the first tables are made with the policies. `wake` is
  // called from any thread when take() has something. Error: it could not be watched.
  absl::Status start(std::function<void()> wake);
  // The latest reading, if there is a new one.
  [[nodiscard]] std::optional<PolicyReading> take();
  void stop();

 private:
  void read_now();
  void follow();
  // Watches what the folder leads to; false when it is not there.
  bool rearm();
  // False: stopped.
  [[nodiscard]] bool wait(bool watching);

  std::filesystem::path folder_;
  std::function<void()> wake_;
  std::unique_ptr<feed::FileWatch> watch_;  // of start()
  base::UniqueFd stop_;                     // eventfd
  std::thread thread_;
  // The reading thread's: what was read last, so that nothing is handed over twice.
  std::string last_;
  // Handed over. A newer reading replaces one not yet taken: it is all there is.
  std::atomic<PolicyReading*> posted_ = nullptr;
};

}  // namespace vicinity
