// The body of a client process, and the worker processes it starts for a batch.
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <span>
#include <vector>

#include "bench/client.h"
#include "bench/client_sockets.h"
#include "bench/messages.h"
#include "support/wait.h"

namespace vicinity::bench {
namespace {

constexpr int kSocket = 3;
constexpr uint32_t kMostWorkers = 8;
constexpr uint32_t kMostConnects = 1 << 20;

// What a worker leaves behind, in memory that all of them share.
struct Outcome {
  int64_t begin_ns;
  int64_t end_ns;
  int32_t error;
  uint32_t latencies;
};

class Board {
 public:
  explicit Board(const Batch& batch) : workers_(batch.workers), room_(batch.connects) {
    const size_t bytes = sizeof(Head) + size_t{workers_} * room_ * sizeof(uint32_t);
    memory_ = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    bytes_ = bytes;
  }
  ~Board() {
    if (valid()) munmap(memory_, bytes_);
  }
  Board(const Board&) = delete;
  Board& operator=(const Board&) = delete;

  [[nodiscard]] bool valid() const { return memory_ != MAP_FAILED; }
  [[nodiscard]] Outcome& outcome(uint32_t worker) const { return head().outcomes[worker]; }
  [[nodiscard]] std::span<uint32_t> latencies(uint32_t worker) const {
    auto* first = reinterpret_cast<uint32_t*>(&head() + 1);
    return {first + size_t{worker} * room_, room_};
  }
  // Nobody begins before all are there.
  void wait_for_all() const {
    head().there.fetch_add(1);
    while (head().there.load() < workers_) sched_yield();
  }

 private:
  struct Head {
    std::atomic<uint32_t> there;
    Outcome outcomes[kMostWorkers];
  };
  [[nodiscard]] Head& head() const { return *static_cast<Head*>(memory_); }

  uint32_t workers_;
  uint32_t room_;
  void* memory_ = MAP_FAILED;
  size_t bytes_ = 0;
};

// To the CPU of that number among those we may use; a single worker stays free.
void settle(uint32_t worker) {
  cpu_set_t mask;
  if (sched_getaffinity(0, sizeof(mask), &mask) != 0) return;
  int cpu = 0;
  for (uint32_t left = worker + 1; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &mask) && --left == 0) break;
  }
  if (cpu == CPU_SETSIZE) return;
  CPU_ZERO(&mask);
  CPU_SET(cpu, &mask);
  sched_setaffinity(0, sizeof(mask), &mask);
}

void work(Batch batch, const Servers& servers, uint32_t worker, const Board& board) {
  batch.seed += worker * 1'000'003;
  Talker talker(batch, servers.of(batch));
  Outcome& outcome = board.outcome(worker);
  const std::span<uint32_t> latencies = board.latencies(worker);
  board.wait_for_all();
  outcome.begin_ns = testing::monotonic_ns();
  while (outcome.latencies < batch.connects && outcome.error == 0) {
    const int64_t latency = talker.talk();
    if (latency < 0) outcome.error = static_cast<int32_t>(-latency);
    latencies[outcome.latencies++] = static_cast<uint32_t>(std::max<int64_t>(latency, 0));
  }
  outcome.end_ns = testing::monotonic_ns();
}

// Processes of their own, as clients are; they share the sockets that listen, and whatever one
// connects, one accepts.
void work_together(const Batch& batch, const Servers& servers, const Board& board) {
  std::vector<pid_t> children;
  for (uint32_t worker = 0; worker < batch.workers; ++worker) {
    const pid_t child = fork();
    if (child == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      settle(worker);
      work(batch, servers, worker, board);
      _exit(0);
    }
    children.push_back(child);
  }
  for (const pid_t child : children) waitpid(child, nullptr, 0);
}

bool answer(const Batch& batch, const Board& board) {
  Reply reply;
  std::vector<uint32_t> latencies;
  int64_t begin = board.outcome(0).begin_ns;
  int64_t end = board.outcome(0).end_ns;
  for (uint32_t worker = 0; worker < batch.workers; ++worker) {
    const Outcome& outcome = board.outcome(worker);
    if (reply.error == 0) reply.error = outcome.error;
    begin = std::min(begin, outcome.begin_ns);
    end = std::max(end, outcome.end_ns);
    const auto made = board.latencies(worker).first(outcome.latencies);
    latencies.insert(latencies.end(), made.begin(), made.end());
  }
  std::ranges::sort(latencies);
  reply.elapsed_ns = static_cast<uint64_t>(end - begin);
  reply.latencies = static_cast<uint32_t>(latencies.size());
  return write_all(kSocket, bytes_of(reply)) &&
         write_all(kSocket, std::as_bytes(std::span(latencies)));
}

bool serve_batch(const Batch& batch, const Servers& servers) {
  if (batch.workers == 0 || batch.workers > kMostWorkers || batch.connects > kMostConnects) {
    return false;
  }
  const Board board(batch);
  if (!board.valid()) return false;
  if (batch.workers == 1) {
    work(batch, servers, 0, board);
  } else {
    work_together(batch, servers, board);
  }
  return answer(batch, board);
}

}  // namespace

int client_main() {
  const Servers servers = Servers::listen();
  if (!servers.valid()) return 1;
  Batch batch;
  while (read_all(kSocket, std::as_writable_bytes(std::span(&batch, 1)))) {
    if (!serve_batch(batch, servers)) return 1;
  }
  return 0;
}

}  // namespace vicinity::bench
