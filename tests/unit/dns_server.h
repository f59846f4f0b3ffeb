// A DNS server on loopback that answers what a test tells it to. Any thread.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/synchronization/mutex.h>

#include <cstdint>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "base/unique_fd.h"
#include "model/ip_address.h"

namespace vicinity::testing {

class DnsServer {
 public:
  enum class Manner : uint8_t { kAnswer, kNoSuchName, kSilent };
  struct Record {
    Manner manner = Manner::kAnswer;
    std::vector<model::IpAddress> addresses;
    uint32_t ttl = 60;  // seconds
  };

  DnsServer();
  DnsServer(const DnsServer&) = delete;
  DnsServer& operator=(const DnsServer&) = delete;
  ~DnsServer();

  [[nodiscard]] std::string address() const;  // "127.0.0.1:PORT"
  // Names without one do not exist.
  void set(const std::string& hostname, Record record) ABSL_LOCKS_EXCLUDED(mutex_);
  // Questions for A records of the name so far.
  [[nodiscard]] int asked(const std::string& hostname) const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  void run();
  // Empty: none.
  [[nodiscard]] std::string reply_to(const std::string& question) ABSL_LOCKS_EXCLUDED(mutex_);

  base::UniqueFd socket_;
  base::UniqueFd stop_;
  mutable absl::Mutex mutex_;
  std::map<std::string, Record> records_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, int> asked_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace vicinity::testing
