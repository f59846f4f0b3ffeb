#include "feed/dns/resolver.h"

#include <absl/time/clock.h>
#include <ares.h>
#include <fmt/ranges.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <utility>

#include "base/status.h"
#include "base/steady_time.h"

namespace vicinity::feed::dns {
namespace {

constexpr absl::Duration kLongestWait = absl::Seconds(10);

std::span<const uint8_t> bytes_of(const sockaddr* address) {
  if (address->sa_family == AF_INET) {
    const auto* ipv4 = reinterpret_cast<const sockaddr_in*>(address);
    return {reinterpret_cast<const uint8_t*>(&ipv4->sin_addr), sizeof(ipv4->sin_addr)};
  }
  if (address->sa_family == AF_INET6) {
    return {reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr.s6_addr, sizeof(in6_addr)};
  }
  return {};
}

std::vector<model::IpAddress> addresses_of(const ares_addrinfo& result) {
  std::vector<model::IpAddress> addresses;
  for (const ares_addrinfo_node* node = result.nodes; node != nullptr; node = node->ai_next) {
    const auto ip = model::IpAddress::from_bytes(bytes_of(node->ai_addr));
    if (ip.ok()) addresses.push_back(*ip);
  }
  std::ranges::sort(addresses);
  const auto repeated = std::ranges::unique(addresses);
  addresses.erase(repeated.begin(), repeated.end());
  return addresses;
}

absl::Duration ttl_of(const ares_addrinfo& result) {
  absl::Duration ttl = absl::InfiniteDuration();
  for (const ares_addrinfo_node* node = result.nodes; node != nullptr; node = node->ai_next) {
    ttl = std::min(ttl, absl::Seconds(node->ai_ttl));
  }
  return ttl;
}

// c-ares opens and closes its sockets as it likes, so they are asked for each time.
std::vector<pollfd> sockets_of(ares_channel channel) {
  std::array<ares_socket_t, ARES_GETSOCK_MAXNUM> sockets = {};
  const auto bits = static_cast<unsigned>(ares_getsock(channel, sockets.data(), sockets.size()));
  std::vector<pollfd> polled;
  for (unsigned i = 0; i < sockets.size(); ++i) {
    unsigned events = 0;
    if (ARES_GETSOCK_READABLE(bits, i)) events |= POLLIN;
    if (ARES_GETSOCK_WRITABLE(bits, i)) events |= POLLOUT;
    if (events == 0) continue;
    polled.push_back({.fd = sockets[i], .events = static_cast<int16_t>(events), .revents = 0});
  }
  return polled;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Resolver>> Resolver::start(const ResolverOptions& options,
                                                          std::function<void()> wake) {
  std::unique_ptr<Resolver> self(new Resolver(options, std::move(wake)));
  VIC_RETURN_IF_ERROR(self->open_channel());
  self->thread_ = std::thread([resolver = self.get()] { resolver->run(); });
  return self;
}

Resolver::Resolver(const ResolverOptions& options, std::function<void()> wake)
    : options_(options), wake_(std::move(wake)), poke_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

Resolver::~Resolver() {
  {
    const absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  poke();
  if (thread_.joinable()) thread_.join();
  // Ends what is under way, by on_result().
  if (channel_ != nullptr) ares_destroy(channel_);
}

absl::Status Resolver::open_channel() {
  ares_options settings = {};
  // A host name of the mesh is a full one: no search list, however few dots it has.
  settings.flags = ARES_FLAG_NOSEARCH;
  settings.timeout = static_cast<int>(absl::ToInt64Milliseconds(options_.timeout));
  settings.tries = options_.tries;
  const int error =
      ares_init_options(&channel_, &settings, ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES);
  if (error != ARES_SUCCESS) return base::internal("c-ares: {}", ares_strerror(error));
  if (options_.servers.empty()) return absl::OkStatus();
  const std::string servers = fmt::format("{}", fmt::join(options_.servers, ","));
  const int refused = ares_set_servers_ports_csv(channel_, servers.c_str());
  if (refused == ARES_SUCCESS) return absl::OkStatus();
  return base::invalid("DNS servers {}: {}", servers, ares_strerror(refused));
}

void Resolver::want(std::set<std::string> hostnames) {
  {
    const absl::MutexLock lock(&mutex_);
    wishes_ = std::move(hostnames);
    new_wishes_ = true;
  }
  poke();
}

std::vector<Answer> Resolver::take() {
  const absl::MutexLock lock(&mutex_);
  return std::exchange(answers_, {});
}

void Resolver::poke() const {
  const uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(poke_.get(), &one, sizeof(one));
}

void Resolver::run() {
  while (take_wishes()) {
    begin_lookups();
    wait_and_process();
  }
}

// False: stop.
bool Resolver::take_wishes() {
  const absl::MutexLock lock(&mutex_);
  if (stopping_) return false;
  if (!std::exchange(new_wishes_, false)) return true;
  for (auto& [hostname, lookup] : lookups_) lookup->wanted = wishes_.contains(hostname);
  std::erase_if(lookups_, [](const auto& entry) {
    return !entry.second->wanted && !entry.second->under_way;
  });
  for (const std::string& hostname : wishes_) {
    auto& lookup = lookups_[hostname];
    if (lookup != nullptr) continue;
    lookup = std::make_unique<Lookup>();
    lookup->resolver = this;
    lookup->hostname = hostname;
  }
  return true;
}

void Resolver::begin_lookups() {
  const absl::Time now = base::steady_now();
  std::vector<Lookup*> due;
  for (const auto& [hostname, lookup] : lookups_) {
    if (lookup->wanted && !lookup->under_way && lookup->due <= now) due.push_back(lookup.get());
  }
  ares_addrinfo_hints hints = {};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = ARES_AI_NOSORT;
  for (Lookup* lookup : due) {
    lookup->under_way = true;
    ares_getaddrinfo(channel_, lookup->hostname.c_str(), nullptr, &hints, on_result, lookup);
  }
}

absl::Duration Resolver::time_to_next() const {
  absl::Time next = base::steady_now() + kLongestWait;
  for (const auto& [hostname, lookup] : lookups_) {
    if (lookup->wanted && !lookup->under_way) next = std::min(next, lookup->due);
  }
  timeval longest = absl::ToTimeval(std::max(next - base::steady_now(), absl::ZeroDuration()));
  timeval wait = {};
  return absl::DurationFromTimeval(*ares_timeout(channel_, &longest, &wait));
}

void Resolver::wait_and_process() {
  std::vector<pollfd> polled = sockets_of(channel_);
  polled.push_back({.fd = poke_.get(), .events = POLLIN, .revents = 0});
  const auto wait = absl::Ceil(time_to_next(), absl::Milliseconds(1));
  ::poll(polled.data(), polled.size(), static_cast<int>(absl::ToInt64Milliseconds(wait)));
  uint64_t ignored = 0;
  [[maybe_unused]] const auto emptied = ::read(poke_.get(), &ignored, sizeof(ignored));
  polled.pop_back();
  // Also without an event: this is what notices time-outs.
  ares_process_fd(channel_, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
  for (const pollfd& socket : polled) {
    if (socket.revents == 0) continue;
    const bool in = (socket.revents & ~POLLOUT) != 0;
    const bool out = (socket.revents & POLLOUT) != 0;
    ares_process_fd(channel_, in ? socket.fd : ARES_SOCKET_BAD, out ? socket.fd : ARES_SOCKET_BAD);
  }
}

void Resolver::on_result(void* lookup, int status, int /*timeouts*/, ares_addrinfo* result) {
  auto& finished = *static_cast<Lookup*>(lookup);
  if (status != ARES_EDESTRUCTION) finished.resolver->finish(finished, status, result);
  if (result != nullptr) ares_freeaddrinfo(result);
}

void Resolver::finish(Lookup& lookup, int status, const ares_addrinfo* result) {
  lookup.under_way = false;
  Answer answer = {.hostname = lookup.hostname, .addresses = {}, .error = {}};
  absl::Duration ttl = options_.shortest_ttl;
  if (status == ARES_SUCCESS && result != nullptr) {
    answer.addresses = addresses_of(*result);
    ttl = std::clamp(ttl_of(*result), options_.shortest_ttl, options_.longest_ttl);
  }
  if (answer.addresses.empty()) {
    answer.error = status == ARES_SUCCESS ? "no address" : ares_strerror(status);
  }
  lookup.due = base::steady_now() + ttl;
  {
    const absl::MutexLock lock(&mutex_);
    answers_.push_back(std::move(answer));
  }
  wake_();
}

}  // namespace vicinity::feed::dns
