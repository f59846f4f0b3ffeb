#include "wanted_tables.h"

#include <algorithm>
#include <atomic>
#include <future>
#include <utility>

#include "base/beside.h"

namespace vicinity {
namespace {

// Of fewer, a thread costs what it saves.
constexpr size_t kWorthAThread = 64;
constexpr size_t kAtATime = 4;

// Services that nobody has begun with, and where their tables go.
class Share {
 public:
  Share(const WantedFrom& from, std::span<const model::SymbolId> services)
      : from_(from), services_(services), wanted_(services.size()) {}

  // Any number of threads at once; done when none is left to begin with.
  void work() {
    for (size_t first = begin_some(); first < services_.size(); first = begin_some()) {
      const size_t end = std::min(first + kAtATime, services_.size());
      for (size_t i = first; i < end; ++i) wanted_[i] = wanted_table(from_, services_[i]);
    }
  }
  std::vector<Wanted> take() { return std::move(wanted_); }

 private:
  size_t begin_some() { return next_.fetch_add(kAtATime, std::memory_order_relaxed); }

  const WantedFrom& from_;
  std::span<const model::SymbolId> services_;
  std::vector<Wanted> wanted_;
  std::atomic<size_t> next_{0};
};

}  // namespace

Wanted wanted_table(const WantedFrom& from, model::SymbolId service) {
  Wanted wanted{.compiled = compile::compile_judged(from.snapshot, service, from.options)};
  const compile::CompiledService* made = wanted.service();
  wanted.is_published = made != nullptr && from.dataplane.holds(made->table);
  return wanted;
}

std::vector<Wanted> wanted_tables(const WantedFrom& from,
                                  std::span<const model::SymbolId> services) {
  Share share(from, services);
  std::future<void> other;
  if (services.size() >= kWorthAThread) other = base::begin_beside([&share] { share.work(); });
  share.work();
  if (other.valid()) other.wait();
  return share.take();
}

}  // namespace vicinity
