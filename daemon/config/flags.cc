#include "config/flags.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "base/status.h"
#include "config/values.h"

namespace vicinity::config {
namespace {

using policy::KumaSettings;
using Texts = std::span<const std::string>;

template <auto Member, auto Parse>
absl::Status set_one(Config& config, Texts texts) {
  VIC_ASSIGN_OR_RETURN(config.*Member, Parse(texts.front()));
  return absl::OkStatus();
}

template <auto Member, auto Parse>
absl::Status set_kuma(Config& config, Texts texts) {
  VIC_ASSIGN_OR_RETURN(config.kuma.*Member, Parse(texts.front()));
  return absl::OkStatus();
}

// An empty text unsets the value.
template <auto Member, auto Parse>
absl::Status set_optional(Config& config, Texts texts) {
  config.*Member = std::nullopt;
  if (texts.front().empty()) return absl::OkStatus();
  VIC_ASSIGN_OR_RETURN(config.*Member, Parse(texts.front()));
  return absl::OkStatus();
}

template <auto Member, auto Parse>
absl::Status set_many(Config& config, Texts texts) {
  (config.*Member).clear();
  for (const std::string& text : texts) {
    VIC_ASSIGN_OR_RETURN(auto value, Parse(text));
    (config.*Member).push_back(std::move(value));
  }
  return absl::OkStatus();
}

// One value of an enum; `Names` is an array of {text, value}.
template <auto Member, const auto& Names>
absl::Status set_enum(Config& config, Texts texts) {
  std::string known;
  for (const auto& [name, value] : Names) {
    if (texts.front() == name) {
      config.*Member = value;
      return absl::OkStatus();
    }
    known += fmt::format("{}{}", known.empty() ? "" : ", ", name);
  }
  return base::invalid("'{}' is not one of {}", texts.front(), known);
}

template <class Enum>
using Name = std::pair<std::string_view, Enum>;

constexpr std::array kXdsAuthNames{Name<XdsAuth>{"tls", XdsAuth::kTls},
                                   Name<XdsAuth>{"plaintext", XdsAuth::kPlaintext}};
constexpr std::array kEmptyNames{Name<EmptyAction>{"refuse", EmptyAction::kRefuse},
                                 Name<EmptyAction>{"pass", EmptyAction::kPass}};
constexpr std::array kBalanceNames{Name<Balance>{"leave", Balance::kLeave},
                                   Name<Balance>{"balance", Balance::kBalance}};
constexpr std::array kGetpeernameNames{Name<Getpeername>{"off", Getpeername::kOff},
                                       Name<Getpeername>{"udp", Getpeername::kUdp},
                                       Name<Getpeername>{"all", Getpeername::kAll}};
constexpr std::array kOutlierDefaultNames{
    Name<OutlierDefault>{"off", OutlierDefault::kOff},
    Name<OutlierDefault>{"conservative", OutlierDefault::kConservative}};
constexpr std::array kOutlierHookNames{Name<OutlierHook>{"off", OutlierHook::kOff},
                                       Name<OutlierHook>{"on", OutlierHook::kOn}};
constexpr std::array kTerminateNames{Name<Terminate>{"none", Terminate::kNone},
                                     Name<Terminate>{"udp", Terminate::kUdp},
                                     Name<Terminate>{"all", Terminate::kAll}};
constexpr std::array kLogLevelNames{
    Name<LogLevel>{"debug", LogLevel::kDebug}, Name<LogLevel>{"info", LogLevel::kInfo},
    Name<LogLevel>{"warn", LogLevel::kWarn}, Name<LogLevel>{"error", LogLevel::kError}};
constexpr std::array kLogFormatNames{Name<LogFormat>{"text", LogFormat::kText},
                                     Name<LogFormat>{"json", LogFormat::kJson}};

absl::Status set_uninstall(Config& config, Texts texts) {
  VIC_ASSIGN_OR_RETURN(const bool wanted, parse_switch(texts.front()));
  config.action = wanted ? Action::kUninstall : Action::kRun;
  return absl::OkStatus();
}

constexpr std::string_view kNode = "Node";
constexpr std::string_view kFeed = "Feed";
constexpr std::string_view kBehaviour = "Behaviour";
constexpr std::string_view kDataPlane = "Data plane";
constexpr std::string_view kOperation = "Operation";

constexpr std::array kFlags{
    Flag{"node-name", "NAME", "", kNode, "name of this Kubernetes node (also from NODE_NAME)",
         set_one<&Config::node_name, parse_nonempty>},
    Flag{"cluster-id", "NAME", "", kNode, "own cluster, instead of what the node's workloads state",
         set_optional<&Config::cluster_id, parse_nonempty>},
    Flag{"network", "NAME", "", kNode, "own network, instead of what the node's workloads state",
         set_optional<&Config::network, parse_nonempty>},
    Flag{"locality", "REGION/ZONE/SUBZONE", "", kNode,
         "own locality, instead of what the node's workloads state",
         set_optional<&Config::locality, parse_locality>},
    Flag{"locality-wait", "DURATION", "5s", kNode,
         "longest wait of the first publish for the own locality",
         set_one<&Config::locality_wait, parse_duration>},
    Flag{"flat-network", "NAME", "", kNode,
         "a network whose workloads are reached directly, although they state a gateway",
         set_many<&Config::flat_networks, parse_nonempty>, Arity::kMany},
    Flag{"pod-name", "NAME", "", kNode, "own pod, for the xDS node id",
         set_one<&Config::pod_name, parse_text>},
    Flag{"pod-namespace", "NAME", "", kNode, "own namespace, for the xDS node id",
         set_one<&Config::pod_namespace, parse_text>},
    Flag{"pod-ip", "IP", "", kNode, "own address, for the xDS node id",
         set_one<&Config::pod_ip, parse_ip_text>},

    Flag{"feed", "xds|file:PATH", "xds", kFeed, "where services and workloads come from",
         set_one<&Config::feed, parse_feed>},
    Flag{"xds-address", "HOST:PORT", "istiod.istio-system.svc:15012", kFeed, "the control plane",
         set_one<&Config::xds_address, parse_host_port>},
    Flag{"xds-auth", "tls|plaintext", "tls", kFeed, "how to talk to the control plane",
         set_enum<&Config::xds_auth, kXdsAuthNames>},
    Flag{"xds-root-cert", "PATH", "/var/run/secrets/istio/root-cert.pem", kFeed,
         "certificates that the control plane's is checked against; read at each connect",
         set_one<&Config::xds_root_cert, parse_text>},
    Flag{"xds-token", "PATH", "/var/run/secrets/tokens/istio-token", kFeed,
         "file with the bearer token; read at each connect; empty: none",
         set_one<&Config::xds_token, parse_text>},
    Flag{"max-receive-bytes", "BYTES", "1Gi", kFeed,
         "largest response taken from the control plane",
         set_one<&Config::max_receive_bytes, parse_bytes>},
    Flag{"resync-quiet", "DURATION", "10s", kFeed,
         "after a reconnect that could not state every version: silence that ends the answer",
         set_one<&Config::resync_quiet, parse_positive_duration>},
    Flag{"dns-server", "IP:PORT", "", kFeed,
         "whom to ask for endpoints' host names, instead of resolv.conf's (repeatable)",
         set_many<&Config::dns_servers, parse_nonempty>, Arity::kMany},

    Flag{"on-empty", "refuse|pass", "refuse", kBehaviour,
         "connects to a service without a usable endpoint: ECONNREFUSED, or left as they are",
         set_enum<&Config::on_empty, kEmptyNames>},
    Flag{"on-unknown-port", "refuse|pass", "pass", kBehaviour,
         "connects to a service address on a port that the service does not have",
         set_enum<&Config::on_unknown_port, kEmptyNames>},
    Flag{"policy-dir", "DIR", "", kBehaviour,
         "folder of policy files (*.yaml, *.yml, *.json); followed as it changes",
         set_one<&Config::policy_dir, parse_text>},
    Flag{"kuma-zone", "cluster|region|zone|label:KEY", "cluster", kBehaviour,
         "what Kuma's policies call a zone", set_kuma<&KumaSettings::zone_label, parse_kuma_zone>},
    Flag{"kuma-threshold", "exact|compat", "exact", kBehaviour,
         "Kuma's failoverThreshold as it is written, or truncated as Kuma does it",
         set_kuma<&KumaSettings::compat_threshold, parse_kuma_threshold>},
    Flag{"kuma-mesh", "NAME", "", kBehaviour,
         "Kuma's policies of other meshes are not used; empty: all are",
         set_kuma<&KumaSettings::mesh, parse_text>},
    Flag{"kuma-panic-threshold", "PERCENT", "0", kBehaviour,
         "with fewer healthy endpoints Kuma's policies use all of them; 0: never (Envoy: 50)",
         set_kuma<&KumaSettings::panic_percent, parse_percent>},
    Flag{"outlier-default", "off|conservative", "off", kBehaviour,
         "how services are judged by failed connects of which no policy says more",
         set_enum<&Config::outlier_default, kOutlierDefaultNames>},
    Flag{"outlier-hook", "on|off", "on", kBehaviour,
         "judged services: the next connect already passes over an endpoint that just failed",
         set_enum<&Config::outlier_hook, kOutlierHookNames>},
    Flag{"exclude-service", "NAMESPACE/HOST", "", kBehaviour,
         "services to leave alone (globs; repeatable)",
         set_many<&Config::exclude_services, parse_nonempty>, Arity::kMany},
    Flag{"captured-pods", "leave|balance", "leave", kBehaviour,
         "pods that ztunnel or a sidecar has captured",
         set_enum<&Config::captured_pods, kBalanceNames>},
    Flag{"opt-out", "NAMESPACE/POD|KEY=VALUE", "", kBehaviour,
         "pods to leave alone, by name (globs) or by label (repeatable)",
         set_many<&Config::opt_out, parse_nonempty>, Arity::kMany},
    Flag{"host-network", "leave|balance", "leave", kBehaviour,
         "sockets of the network namespace of process 1",
         set_enum<&Config::host_network, kBalanceNames>},
    Flag{"waypoint-services", "leave|balance", "leave", kBehaviour,
         "services whose connections a waypoint shall see first",
         set_enum<&Config::waypoint_services, kBalanceNames>},
    Flag{"getpeername", "off|udp|all", "udp", kBehaviour,
         "sockets whose getpeername() shows the service; 'all' adds a record to every TCP connect",
         set_enum<&Config::getpeername, kGetpeernameNames>},
    Flag{"terminate", "none|udp|all", "udp", kBehaviour,
         "connected sockets that are closed when their endpoint is removed; 'all' adds a record to "
         "every TCP connect",
         set_enum<&Config::terminate, kTerminateNames>},
    Flag{"terminate-after", "DURATION", "10s", kBehaviour,
         "how long such a socket may go on after the endpoint was removed",
         set_one<&Config::terminate_after, parse_duration>},

    Flag{"cgroup", "PATH", "", kDataPlane,
         "cgroup whose sockets are balanced; empty: where cgroup2 is mounted",
         set_one<&Config::cgroup, parse_text>},
    Flag{"pin-dir", "PATH", "/sys/fs/bpf/vicinity", kDataPlane, "bpffs folder of maps and links",
         set_one<&Config::pin_dir, parse_absolute_path>},
    Flag{"lease", "DURATION", "10m", kDataPlane,
         "tables not renewed for so long pass traffic unrewritten; 0: never",
         set_one<&Config::lease, parse_duration>},
    Flag{"max-services", "COUNT", "100000", kDataPlane,
         "most services published; one more is refused, and said so",
         set_one<&Config::max_services, parse_count>},
    Flag{"max-slots", "COUNT", "4194304", kDataPlane,
         "most endpoint slots published, of each address family",
         set_one<&Config::max_slots, parse_count>},
    Flag{"max-hash-memory", "BYTES", "256Mi", kDataPlane,
         "most memory for the tables of algorithms other than random",
         set_one<&Config::max_hash_memory, parse_bytes>},
    Flag{"counters", "on|off", "on", kDataPlane, "count connects by service and tier",
         set_one<&Config::counters, parse_on_off>},
    Flag{"uninstall", "", "", kDataPlane, "detach the programs, remove every pin and exit",
         set_uninstall, Arity::kSwitch},

    Flag{"admin-socket", "PATH", "/run/vicinity/admin.sock", kOperation,
         "unix socket for vicinityctl", set_one<&Config::admin_socket, parse_absolute_path>},
    Flag{"metrics-address", "HOST:PORT", "127.0.0.1:15190", kOperation,
         "where Prometheus scrapes /metrics; empty: nowhere",
         set_optional<&Config::metrics_address, parse_host_port>},
    Flag{"service-metrics", "on|off", "on", kOperation,
         "a series for each service that is used; off: only those by zone",
         set_one<&Config::service_metrics, parse_on_off>},
    Flag{"ui-address", "HOST:PORT", "", kOperation,
         "where a browser finds the page that shows this node; empty: nowhere",
         set_optional<&Config::ui_address, parse_host_port>},
    Flag{"log-level", "debug|info|warn|error", "info", kOperation, "least severe events to log",
         set_enum<&Config::log_level, kLogLevelNames>},
    Flag{"log-format", "text|json", "text", kOperation, "shape of a log line",
         set_enum<&Config::log_format, kLogFormatNames>},
};

}  // namespace

std::span<const Flag> flags() { return kFlags; }

const Flag* find_flag(std::string_view name) {
  const auto* found = std::find_if(kFlags.begin(), kFlags.end(),
                                   [&](const Flag& flag) { return flag.name == name; });
  return found == kFlags.end() ? nullptr : found;
}

std::string environment_name(const Flag& flag) {
  std::string name = "VICINITY_";
  for (const char c : flag.name) {
    name.push_back(c == '-' ? '_' : static_cast<char>(c - 'a' + 'A'));
  }
  return name;
}

Config default_config() {
  Config config;
  for (const Flag& flag : kFlags) {
    if (flag.default_text.empty()) continue;
    const std::vector<std::string> texts{std::string(flag.default_text)};
    // A default that its own parser refuses is a bug, found by config_test.
    if (!flag.set(config, texts).ok()) return Config{};
  }
  return config;
}

}  // namespace vicinity::config
