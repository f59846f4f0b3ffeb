#include "bench/rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>

namespace vicinity::bench {
namespace {

using dataplane::Outcomes;
using model::Family;

struct Floor {
  std::string_view name;
  Family family;
  Traffic traffic;
};

// One for each way to talk.
constexpr Traffic straight(Talk talk, Sockets sockets = Sockets::kNative) {
  return {.talk = talk, .sockets = sockets, .aim = Aim::kEndpoint};
}
constexpr auto kFloors = std::to_array<Floor>({
    {"ipv4", Family::kIpv4, straight(Talk::kTcp)},
    {"ipv6", Family::kIpv6, straight(Talk::kTcp)},
    {"v4-mapped", Family::kIpv4, straight(Talk::kTcp, Sockets::kMapped)},
    {"udp connect", Family::kIpv4, straight(Talk::kUdpConnect)},
    {"udp first datagram", Family::kIpv4, straight(Talk::kUdpFirst)},
    {"udp next datagram", Family::kIpv4, straight(Talk::kUdpNext)},
});

class Rows {
 public:
  explicit Rows(const Options& options) : options_(options) {}

  void add_floors();
  void add_profile();
  void add_options();
  void add_services();
  void add_endpoints();
  void add_tiers();
  void add_protocols();
  void add_misses();
  void add_algorithms();
  void add_others();
  [[nodiscard]] std::vector<VariantSpec> take() { return std::move(rows_); }

 private:
  [[nodiscard]] ClusterSpec cluster(Family family = Family::kIpv4) const {
    return {.shape = options_.shape, .family = family};
  }
  // Ours unless it says otherwise.
  VariantSpec& add(std::string_view group, std::string name, const ClusterSpec& cluster) {
    return rows_.emplace_back(VariantSpec{.group = std::string(group),
                                          .name = std::move(name),
                                          .rewriter = Rewriter::kOurs,
                                          .cluster = cluster});
  }
  void add_algorithm(std::string_view name, const policy::AlgorithmSpec& algorithm);
  void add_rules(std::string_view name, Rewriter rewriter);

  const Options& options_;
  std::vector<VariantSpec> rows_;
};

void Rows::add_floors() {
  for (const auto& [prefix, rewriter] :
       {std::pair{"no program", Rewriter::kNone}, std::pair{"empty program", Rewriter::kEmpty}}) {
    for (const Floor& floor : kFloors) {
      VariantSpec& row =
          add("floor", fmt::format("{} {}", prefix, floor.name), cluster(floor.family));
      row.rewriter = rewriter;
      row.traffic = floor.traffic;
    }
  }
}

void Rows::add_profile() {
  for (const Family family : {Family::kIpv4, Family::kIpv6}) {
    for (const Weights weights : {Weights::kEqual, Weights::kUnequal}) {
      for (const Counters counters : {Counters::kOn, Counters::kOff}) {
        VariantSpec& row = add("profile",
                               fmt::format("ours {} {}{}", model::family_name(family),
                                           weights == Weights::kEqual ? "equal" : "unequal",
                                           counters == Counters::kOn ? "" : ", counters off"),
                               cluster(family));
        row.cluster.weights = weights;
        row.ours.counters = counters;
        if (counters == Counters::kOn) row.outcome = &Outcomes::translated;
      }
    }
  }
}

void Rows::add_options() {
  VariantSpec& recorded = add("options", "ours ipv4, getpeername shows the service", cluster());
  recorded.ours.peer_names = dataplane::PeerNames::kAll;
  recorded.traffic.peer = Peer::kAsked;
  add("options", "ours ipv4, failure detection", cluster()).cluster.detection = Detection::kOn;
  add("options", "ours ipv4, traced", cluster()).ours.trace = Trace::kOn;
}

void Rows::add_services() {
  const uint32_t endpoints = options_.shape.endpoints;
  for (const Shape& shape : {Shape{1, endpoints}, options_.small, options_.shape, options_.large}) {
    ClusterSpec of_shape = cluster();
    of_shape.shape = shape;
    add("services", fmt::format("ours ipv4, services: {}", shape.services), of_shape);
  }
}

// All connects go to one service; the table as a whole always has the same size.
void Rows::add_endpoints() {
  for (uint32_t endpoints = 1; endpoints < options_.most_endpoints; endpoints *= 10) {
    VariantSpec& row =
        add("endpoints", fmt::format("ours ipv4, endpoints: {}", endpoints), cluster());
    row.cluster.shape.first = endpoints;
    row.traffic.aim = Aim::kFirst;
  }
  VariantSpec& most =
      add("endpoints", fmt::format("ours ipv4, endpoints: {}", options_.most_endpoints), cluster());
  most.cluster.shape.first = options_.most_endpoints;
  most.traffic.aim = Aim::kFirst;
}

void Rows::add_tiers() {
  for (const uint32_t tiers : {1U, 2U, 4U, 8U}) {
    add("tiers", fmt::format("ours ipv4, tiers: {}", tiers), cluster()).cluster.tiers = tiers;
  }
}

void Rows::add_protocols() {
  VariantSpec& mapped = add("protocols", "ours v4-mapped", cluster());
  mapped.traffic.sockets = Sockets::kMapped;
  mapped.outcome = &Outcomes::translated;
  for (const auto& [name, talk] :
       {std::pair{"connect", Talk::kUdpConnect}, std::pair{"first datagram", Talk::kUdpFirst},
        std::pair{"next datagram", Talk::kUdpNext}}) {
    add("protocols", fmt::format("ours udp {}", name), cluster()).traffic.talk = talk;
  }
  VariantSpec& unnamed = add("protocols", "ours udp connect, no getpeername", cluster());
  unnamed.traffic.talk = Talk::kUdpConnect;
  unnamed.ours.peer_names = dataplane::PeerNames::kOff;
}

void Rows::add_misses() {
  VariantSpec& outside = add("misses", "ours ipv4, no service's prefix", cluster());
  outside.traffic.aim = Aim::kEndpoint;
  outside.outcome = &Outcomes::not_a_service;
  VariantSpec& unknown = add("misses", "ours ipv4, unknown address among services", cluster());
  unknown.traffic.aim = Aim::kUnknown;
  unknown.traffic.arrival = Arrival::kService;
  unknown.outcome = &Outcomes::not_a_service;
  VariantSpec& passed = add("misses", "ours ipv4, strict miss, passed", cluster());
  passed.cluster.where = Endpoints::kFarAndPassed;
  passed.traffic.arrival = Arrival::kService;
  passed.outcome = &Outcomes::passed_empty;
  VariantSpec& refused = add("misses", "ours ipv4, strict miss, refused", cluster());
  refused.cluster.where = Endpoints::kFarAndRefused;
  refused.traffic.expected_errno = ECONNREFUSED;
  refused.outcome = &Outcomes::refused_empty;
}

void Rows::add_algorithm(std::string_view name, const policy::AlgorithmSpec& algorithm) {
  ClusterSpec small = cluster();
  small.shape = options_.small;
  small.algorithm = algorithm;
  add("algorithms", fmt::format("ours ipv4 {}, few", name), small);
}

void Rows::add_algorithms() {
  using policy::Algorithm;
  add_algorithm("random", {});
  add_algorithm("round robin", {.kind = Algorithm::kRoundRobin});
  add_algorithm("least request", {.kind = Algorithm::kLeastRequest});
  add_algorithm("ring hash", {.kind = Algorithm::kRingHash});
  add_algorithm("maglev", {.kind = Algorithm::kMaglev});
  add_algorithm("random with affinity", {.affinity_timeout_s = 10800});
}

void Rows::add_rules(std::string_view name, Rewriter rewriter) {
  add("others", fmt::format("{} ipv4", name), cluster()).rewriter = rewriter;
}

void Rows::add_others() {
  add_rules("iptables-legacy", Rewriter::kIptablesLegacy);
  add_rules("iptables-nft", Rewriter::kIptablesNft);
  add_rules("nftables", Rewriter::kNftables);
  add_rules("ipvs", Rewriter::kIpvs);
  if (!options_.object_file.empty()) add_rules("foreign object", Rewriter::kForeign);
}

}  // namespace

std::vector<VariantSpec> variant_specs(const Options& options) {
  Rows rows(options);
  rows.add_floors();
  rows.add_profile();
  rows.add_options();
  rows.add_services();
  rows.add_endpoints();
  rows.add_tiers();
  rows.add_protocols();
  rows.add_misses();
  rows.add_algorithms();
  rows.add_others();
  return rows.take();
}

bool is_floor_of(const VariantSpec& floor, const VariantSpec& spec) {
  return floor.rewriter == Rewriter::kEmpty && floor.cluster.family == spec.cluster.family &&
         floor.traffic.talk == spec.traffic.talk && floor.traffic.sockets == spec.traffic.sockets;
}

}  // namespace vicinity::bench
