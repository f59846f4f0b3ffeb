#include "bench/feed/daemon.h"

#include <absl/strings/match.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_split.h>
#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

#include "base/status.h"
#include "support/bpffs.h"
#include "support/program.h"
#include "support/wait.h"

namespace vicinity::bench {
namespace {

using namespace std::chrono_literals;

uint64_t kilobytes_in(const std::string& line) {
  std::istringstream words(line);
  std::string name;
  uint64_t value = 0;
  words >> name >> value;
  return value * 1024;
}

uint64_t anonymous_of(pid_t pid) {
  std::ifstream file(fmt::format("/proc/{}/status", pid));
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("RssAnon:")) return kilobytes_in(line);
  }
  return 0;
}

}  // namespace

PeakSampler::PeakSampler(pid_t pid)
    : thread_([this, pid] {
        while (!stop_.load()) {
          peak_.store(std::max(peak_.load(), anonymous_of(pid)));
          testing::pause_for(5ms);
        }
      }) {}

PeakSampler::~PeakSampler() {
  stop_.store(true);
  thread_.join();
}

absl::StatusOr<Daemon> Daemon::create(const Workspace& workspace, const testing::Netns& netns,
                                      int feed_port) {
  VIC_ASSIGN_OR_RETURN(testing::Cgroup cgroup, workspace.make_cgroup("daemon"));
  VIC_ASSIGN_OR_RETURN(testing::Cgroup home, workspace.make_cgroup("daemon-itself"));
  Daemon daemon(std::move(cgroup), std::move(home), netns);
  daemon.pin_dir_ = workspace.pin_dir("daemon");
  daemon.socket_ = fmt::format("/tmp/vicinity-bench-{}.sock", getpid());
  daemon.feed_port_ = feed_port;
  return daemon;
}

// A daemon that was killed leaves its pins, and maybe its probe's cgroup inside its own: the next
// one must find neither.
Daemon::~Daemon() {
  if (pin_dir_.empty()) return;
  process_.reset();
  unlink(socket_.c_str());
  for (const absl::Status& status :
       {testing::remove_pin_tree(pin_dir_), testing::remove_cgroup_tree(cgroup_.path())}) {
    if (!status.ok()) fmt::print(stderr, "bench: clean up: {}\n", base::message(status));
  }
}

absl::StatusOr<double> Daemon::start() {
  const int64_t begin = testing::monotonic_ns();
  VIC_ASSIGN_OR_RETURN(
      testing::Process process,
      testing::Process::spawn(
          {.argv = {testing::program_path("vicinityd"), "--node-name", "node-0", "--xds-address",
                    fmt::format("127.0.0.1:{}", feed_port_), "--xds-auth", "plaintext", "--cgroup",
                    cgroup_.path(), "--pin-dir", pin_dir_, "--admin-socket", socket_,
                    "--metrics-address", ""},
           .netns = netns_,
           .cgroup = &home_}));
  VIC_RETURN_IF_ERROR(process.wait_for_line("ready", 30s).status());
  const double took = static_cast<double>(testing::monotonic_ns() - begin) / 1e6;
  process_.emplace(std::move(process));
  return took;
}

absl::Status Daemon::kill() {
  VIC_RETURN_IF_ERROR(process_->signal(SIGKILL));
  VIC_RETURN_IF_ERROR(process_->wait(10s).status());
  process_.reset();
  return absl::OkStatus();
}

double cpu_seconds_of(pid_t pid) {
  std::ifstream file(fmt::format("/proc/{}/stat", pid));
  std::string line;
  std::getline(file, line);
  // utime and stime are the 12th and 13th word after the name in parentheses.
  const std::vector<std::string> words = absl::StrSplit(line.substr(line.rfind(')') + 2), ' ');
  uint64_t user = 0;
  uint64_t system = 0;
  if (words.size() < 13 || !absl::SimpleAtoi(words[11], &user) ||
      !absl::SimpleAtoi(words[12], &system))
    return 0;
  return static_cast<double>(user + system) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

double Daemon::cpu_seconds() const { return cpu_seconds_of(pid()); }

uint64_t Daemon::anonymous() const { return anonymous_of(pid()); }

Memory Daemon::memory() const {
  Memory memory;
  std::ifstream file(fmt::format("/proc/{}/smaps", pid()));
  bool of_map = false;
  for (std::string line; std::getline(file, line);) {
    const bool is_heading = line.find('-') < line.find(' ') && line.find(':') > line.find(' ');
    if (is_heading) of_map = line.find("bpf-map") != std::string::npos;
    if (line.starts_with("Rss:"))
      (of_map ? memory.mapped_maps : memory.resident) += kilobytes_in(line);
  }
  return memory;
}

absl::StatusOr<double> Daemon::metric(const std::string& series) const {
  VIC_ASSIGN_OR_RETURN(const testing::Completed done,
                       testing::run({.argv = {testing::program_path("vicinityctl"), "metrics",
                                              "--admin-socket", socket_}},
                                    30s));
  if (done.exit_code != 0) return base::internal("vicinityctl metrics: {}", done.err);
  double value = 0;
  for (const absl::string_view line : absl::StrSplit(done.out, '\n')) {
    if (!absl::StartsWith(line, series + " ")) continue;
    if (absl::SimpleAtod(line.substr(series.size() + 1), &value)) return value;
  }
  return 0;
}

}  // namespace vicinity::bench
