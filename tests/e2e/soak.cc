#include "e2e/soak.h"

#include <fmt/format.h>
#include <vicinity/abi.h>

#include <filesystem>
#include <utility>

#include "base/status.h"
#include "dataplane/reader.h"
#include "e2e/web_mesh.h"
#include "feed/file/mesh_file.h"
#include "support/program.h"
#include "support/wait.h"

namespace vicinity::testing {
namespace {

using namespace std::chrono_literals;

constexpr const char* kNode = "worker";
constexpr const char* kSteady = "steady";
constexpr unsigned kPods = 6;
constexpr const char* kVip = "10.96.0.10";
constexpr double kRate = 500;
// A load's attempts are kept in memory until they are looked at.
constexpr unsigned kActionsPerLoad = 40;
// Streams that end early are opened again after up to 30 s, and the attempt may meet a fault too.
constexpr auto kConvergence = 150s;

std::string address_of(unsigned pod) { return fmt::format("10.244.1.{}", 10 + pod); }
std::string name_of(unsigned pod) { return fmt::format("pod{}", pod); }

std::string program_of(uint32_t abi) {
  return abi == VICINITY_ABI_VERSION ? "vicinityd" : "vic_test_vicinityd_next";
}

}  // namespace

absl::StatusOr<std::unique_ptr<Soak>> Soak::set_up(uint64_t seed) {
  std::unique_ptr<Soak> soak(new Soak(seed));
  ClusterSpec spec{
      .world = {.nodes = {kNode, kSteady},
                .pods = {{.name = "client", .node = kNode, .addresses = {"10.244.1.6"}}},
                .decoy = DecoySpec{}}};
  for (unsigned pod = 0; pod < kPods; ++pod) {
    spec.world.pods.push_back(
        {.name = name_of(pod), .node = kNode, .addresses = {address_of(pod)}});
  }
  VIC_ASSIGN_OR_RETURN(soak->cluster_, Cluster::create(std::move(spec)));
  World& world = soak->cluster_->world();
  for (unsigned pod = 0; pod < kPods; ++pod) {
    VIC_RETURN_IF_ERROR(
        world.pod(name_of(pod))
            .serve(
                {.instance = name_of(pod), .ports = {8080}, .protocol = ServeProtocol::kBanner}));
  }
  soak->abi_ = VICINITY_ABI_VERSION;
  soak->serve();
  VIC_RETURN_IF_ERROR(soak->cluster_->start_daemons());
  VIC_RETURN_IF_ERROR(soak->wait_for_tables());
  soak->timeline_.change({name_of(0)}, [] {});
  VIC_ASSIGN_OR_RETURN(soak->client_, world.pod("client").agent());
  soak->before_ = settled_bpf_objects();
  soak->pins_before_ = count_pins(world.node(kNode).pin_dir());
  return soak;
}

absl::Status Soak::run(Duration duration) {
  const int64_t begin_ns = monotonic_ns();
  VIC_RETURN_IF_ERROR(start_load());
  while (monotonic_ns() - begin_ns < duration.count()) {
    VIC_RETURN_IF_ERROR(play_some());
    sample_memory(begin_ns, duration);
  }
  return check_load();
}

// As many actions as one part of the load is looked at for.
absl::Status Soak::play_some() {
  if (++actions_ % kActionsPerLoad != 0) return play_one();
  VIC_RETURN_IF_ERROR(check_load());
  return start_load();
}

void Soak::sample_memory(int64_t begin_ns, Duration duration) {
  constexpr int kSamples = 40;
  const auto taken = static_cast<int64_t>(report_.memory_kib.size());
  if (monotonic_ns() < begin_ns + taken * duration.count() / kSamples) return;
  report_.memory_kib.push_back(anonymous_kib(cluster_->daemon(kSteady).pid()));
}

absl::Status Soak::play_one() {
  static constexpr Action kActions[] = {
      {"churn", 60, &Soak::churn},
      {"restart", 6, &Soak::restart},
      {"kill -9", 6, &Soak::kill},
      {"ABI move", 4, &Soak::move_abi},
      {"streams end", 6, &Soak::end_streams},
      {"control plane away", 3, &Soak::lose_control_plane},
      {"streams denied", 3, &Soak::deny_streams},
      {"bad resources", 6, &Soak::send_garbage},
      {"many services", 6, &Soak::fill_with_services},
  };
  uint64_t total = 0;
  for (const Action& action : kActions) total += action.weight;
  uint64_t drawn = pick(total);
  for (const Action& action : kActions) {
    if (drawn < action.weight) {
      ++report_.actions[action.name];
      return (this->*action.play)();
    }
    drawn -= action.weight;
  }
  return absl::OkStatus();
}

absl::Status Soak::start_load() {
  ++report_.parts;
  return client_->start_load(
      {.targets = {{.address = kVip, .port = 80}}, .rate_per_second = kRate});
}

absl::Status Soak::check_load() {
  VIC_ASSIGN_OR_RETURN(const LoadReport load, client_->stop_load());
  for (const Attempt& attempt : load.attempts) {
    ++report_.connects;
    if (attempt.error != 0) {
      ++report_.failed;
    } else if (!timeline_.allows(attempt.started_ns, attempt.ended_ns, load.answer_of(attempt))) {
      ++report_.wrong;
    }
  }
  return absl::OkStatus();
}

// Other endpoints; each kept one gets a new name now and then, so that names never repeat.
absl::Status Soak::churn() {
  std::set<unsigned> next;
  for (unsigned pod = 0; pod < kPods; ++pod) {
    if (pick(2) == 0) next.insert(pod);
  }
  if (next.empty()) next.insert(static_cast<unsigned>(pick(kPods)));
  endpoints_ = std::move(next);
  std::set<std::string> answers;
  for (const unsigned pod : endpoints_) answers.insert(name_of(pod));
  absl::Status status;
  timeline_.change(std::move(answers), [&] {
    serve();
    status = wait_for_tables();
  });
  return status;
}

absl::Status Soak::restart() {
  VIC_RETURN_IF_ERROR(cluster_->stop_daemon(kNode));
  VIC_RETURN_IF_ERROR(cluster_->start_program(kNode, program_of(abi_)));
  return wait_for_tables();
}

absl::Status Soak::kill() {
  VIC_RETURN_IF_ERROR(cluster_->kill_daemon(kNode));
  VIC_RETURN_IF_ERROR(cluster_->start_program(kNode, program_of(abi_)));
  return wait_for_tables();
}

absl::Status Soak::move_abi() {
  abi_ = abi_ == VICINITY_ABI_VERSION ? VICINITY_ABI_VERSION + 1 : VICINITY_ABI_VERSION;
  return pick(2) == 0 ? restart() : kill();
}

absl::Status Soak::end_streams() {
  cluster_->control_plane().close_streams(pick(2) == 0 ? "" : "restart");
  return churn();
}

absl::Status Soak::lose_control_plane() {
  const std::string address = cluster_->control_plane().address();
  cluster_->control_plane().stop();
  if (pick(2) == 0) {
    VIC_RETURN_IF_ERROR(cluster_->kill_daemon(kNode));
    VIC_RETURN_IF_ERROR(cluster_->start_program(kNode, program_of(abi_)));
  }
  VIC_RETURN_IF_ERROR(cluster_->replace_control_plane(address));
  return churn();
}

absl::Status Soak::deny_streams() {
  cluster_->control_plane().set_faults({.deny = "not now"});
  cluster_->control_plane().close_streams("not now");
  pause_for(std::chrono::milliseconds(pick(500)));
  cluster_->control_plane().set_faults({});
  return churn();
}

// One resource that nobody can use, and a removal of what never was; the others still apply.
absl::Status Soak::send_garbage() {
  devcp::Response response;
  response.set_type_url("type.googleapis.com/istio.workload.Address");
  auto& resource = *response.add_resources();
  resource.set_name(fmt::format("bad-{}", pick(3)));
  resource.set_version("1");
  resource.mutable_resource()->set_type_url("type.googleapis.com/istio.workload.Address");
  resource.mutable_resource()->set_value("\xff\xff\xff");
  response.add_removed_resources("nobody/knows.this");
  cluster_->control_plane().play(response);
  return churn();
}

absl::Status Soak::fill_with_services() {
  surrounding_ = static_cast<unsigned>(1 + pick(400));
  return churn();
}

std::string Soak::mesh() {
  std::vector<std::string> addresses;
  for (const unsigned pod : endpoints_) addresses.push_back(address_of(pod));
  std::string text = web_mesh(kVip, addresses);
  for (unsigned i = 0; i < surrounding_; ++i) {
    text += fmt::format(
        "---\nservice: {{name: s{0}, namespace: other, hostname: s{0}, addresses: "
        "[\"10.97.{1}.{2}\"], ports: [{{servicePort: 80, targetPort: 80}}]}}\n",
        i, i / 250, i % 250 + 1);
  }
  text += fmt::format(
      "---\nworkload: {{uid: passing-{0}, name: p, namespace: other, node: elsewhere-{0}, "
      "addresses: "
      "[\"10.244.9.9\"], services: {{\"other/s0\": {{}}}}}}\n",
      names_made_++);
  return text;
}

void Soak::serve() { cluster_->control_plane().set_resources(feed::parse_mesh(mesh()).resources); }

// Both nodes have the endpoints, the first one by its own ABI version and no other.
absl::Status Soak::wait_for_tables() {
  std::string expected;
  for (const unsigned pod : endpoints_) {
    expected += (expected.empty() ? "" : " ") + address_of(pod);
  }
  std::string seen;
  const auto has_all = [&](const char* node, uint32_t abi) {
    const std::string pins = cluster_->world().node(node).pin_dir();
    const auto reader = dataplane::Reader::open(pins, abi);
    seen = fmt::format("{}: {}", node,
                       reader.ok() ? web_endpoints(reader->tables())
                                   : std::string(base::message(reader.status())));
    return seen == fmt::format("{}: {}", node, expected) &&
           std::distance(std::filesystem::directory_iterator(pins), {}) == 1;
  };
  const bool settled = wait_until(
      [&] { return has_all(kNode, abi_) && has_all(kSteady, VICINITY_ABI_VERSION); }, kConvergence);
  if (settled) return absl::OkStatus();
  return base::internal("tables: expected {}, in the kernel of {}\n{}", expected, seen, told());
}

// What the daemons say themselves.
std::string Soak::told() {
  std::string text;
  for (const char* node : {kNode, kSteady}) {
    for (const char* command : {"status", "services", "metrics"}) {
      const auto said = cluster_->ctl(node, {command});
      text += fmt::format("{} {}:\n{}\n", node, command,
                          said.ok() ? said->out : std::string(said.status().message()));
    }
  }
  return text;
}

absl::Status Soak::wind_down() {
  if (abi_ != VICINITY_ABI_VERSION) VIC_RETURN_IF_ERROR(move_abi());
  surrounding_ = 3;
  VIC_RETURN_IF_ERROR(churn());
  BpfObjects now;
  const bool same = wait_until([&] { return (now = bpf_objects()) == before_; }, 20s);
  if (!same) {
    return base::internal("left: {} maps, {} programs, {} links; at first {}, {}, {}", now.maps,
                          now.programs, now.links, before_.maps, before_.programs, before_.links);
  }
  const uint64_t pins = count_pins(cluster_->world().node(kNode).pin_dir());
  if (pins != pins_before_) return base::internal("left: {} pins, at first {}", pins, pins_before_);
  if (const uint64_t accepts = cluster_->world().decoy()->accepts(); accepts != 0) {
    return base::internal("the decoy was reached {} times", accepts);
  }
  VIC_RETURN_IF_ERROR(cluster_->stop_daemon(kNode));
  VIC_RETURN_IF_ERROR(cluster_->stop_daemon(kSteady));
  return cluster_->world().shut_down();
}

}  // namespace vicinity::testing
