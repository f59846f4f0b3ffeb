// Names by c-ares, on a thread of its own: A and AAAA, asked again when the answer's time to live
// is over.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/status/statusor.h>
#include <absl/synchronization/mutex.h>
#include <absl/time/time.h>

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/unique_fd.h"
#include "feed/dns/names.h"

struct ares_channeldata;
struct ares_addrinfo;  // NOLINT(readability-identifier-naming): c-ares calls it so

namespace vicinity::feed::dns {

struct ResolverOptions {
  std::vector<std::string> servers;                // "127.0.0.1:53"; empty: those of resolv.conf
  absl::Duration timeout = absl::Seconds(2);       // of one try
  int tries = 3;                                   // of one lookup
  absl::Duration shortest_ttl = absl::Seconds(5);  // also the pause after a failure
  absl::Duration longest_ttl = absl::Hours(1);
};

class Resolver final : public Names {
 public:
  // `wake` is called from the thread whenever take() has something.
  [[nodiscard]] static absl::StatusOr<std::unique_ptr<Resolver>> start(
      const ResolverOptions& options, std::function<void()> wake);
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;
  ~Resolver() override;

  void want(std::set<std::string> hostnames) override ABSL_LOCKS_EXCLUDED(mutex_);
  [[nodiscard]] std::vector<Answer> take() override ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  // One name on the thread. Stays until its lookup has ended, wanted or not.
  struct Lookup {
    Resolver* resolver = nullptr;
    std::string hostname;
    bool under_way = false;
    bool wanted = true;
    absl::Time due = absl::InfinitePast();
  };

  Resolver(const ResolverOptions& options, std::function<void()> wake);
  [[nodiscard]] absl::Status open_channel();
  void run() ABSL_LOCKS_EXCLUDED(mutex_);
  [[nodiscard]] bool take_wishes() ABSL_LOCKS_EXCLUDED(mutex_);
  void begin_lookups();
  void wait_and_process();
  [[nodiscard]] absl::Duration time_to_next() const;
  void finish(Lookup& lookup, int status, const ares_addrinfo* result);
  static void on_result(void* lookup, int status, int timeouts, ares_addrinfo* result);
  void poke() const;

  ResolverOptions options_;
  std::function<void()> wake_;
  base::UniqueFd poke_;
  ares_channeldata* channel_ = nullptr;
  std::map<std::string, std::unique_ptr<Lookup>> lookups_;

  absl::Mutex mutex_;
  std::set<std::string> wishes_ ABSL_GUARDED_BY(mutex_);
  bool new_wishes_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<Answer> answers_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace vicinity::feed::dns
