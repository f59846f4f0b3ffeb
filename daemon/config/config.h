// Everything an operator can set, as one plain value. Made once at start by parse_config; read-only
// afterwards, from any thread. The flags' names, defaults and help are in flags.cc.
#pragma once

#include <absl/time/time.h>

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "policy/settings.h"

namespace vicinity::config {

struct HostPort {
  std::string host;  // IPv6 literals without brackets
  uint16_t port = 0;
  bool operator==(const HostPort&) const = default;
};
// "host:80", "[::1]:80".
[[nodiscard]] std::string to_string(const HostPort& address);

enum class FeedKind : uint8_t { kXds, kFile };
struct FeedChoice {
  FeedKind kind = FeedKind::kXds;
  std::string path;  // of the mesh file
  bool operator==(const FeedChoice&) const = default;
};

struct LocalityOverride {
  std::string region;
  std::string zone;
  std::string subzone;
  bool operator==(const LocalityOverride&) const = default;
};

enum class XdsAuth : uint8_t { kTls, kPlaintext };
enum class EmptyAction : uint8_t { kRefuse, kPass };
enum class Balance : uint8_t { kLeave, kBalance };  // sockets or services that have a balancer
enum class Getpeername : uint8_t { kOff, kUdp, kAll };
enum class OutlierDefault : uint8_t { kOff, kConservative };
enum class OutlierHook : uint8_t { kOff, kOn };
enum class Terminate : uint8_t { kNone, kUdp, kAll };
enum class LogLevel : uint8_t { kDebug, kInfo, kWarn, kError };
enum class LogFormat : uint8_t { kText, kJson };
enum class Action : uint8_t { kRun, kUninstall, kPrint };

struct Config {
  Action action = Action::kRun;
  std::string print;  // kPrint: what --help or --version asked for

  // This node.
  std::string node_name;
  std::optional<std::string> cluster_id;  // unset: as the node's workloads say
  std::optional<std::string> network;     // unset: as the node's workloads say
  std::optional<LocalityOverride> locality;
  absl::Duration locality_wait;
  std::vector<std::string> flat_networks;
  std::string pod_name;
  std::string pod_namespace;
  std::string pod_ip;

  // Feed.
  FeedChoice feed;
  HostPort xds_address;
  XdsAuth xds_auth = XdsAuth::kTls;
  std::string xds_root_cert;
  std::string xds_token;
  uint64_t max_receive_bytes = 0;
  absl::Duration resync_quiet;
  std::vector<std::string> dns_servers;  // empty: those of resolv.conf

  // Behaviour.
  EmptyAction on_empty = EmptyAction::kRefuse;
  EmptyAction on_unknown_port = EmptyAction::kPass;
  std::string policy_dir;
  policy::KumaSettings kuma;
  OutlierDefault outlier_default = OutlierDefault::kOff;
  OutlierHook outlier_hook = OutlierHook::kOn;
  std::vector<std::string> exclude_services;
  Balance captured_pods = Balance::kLeave;
  Balance waypoint_services = Balance::kLeave;
  Balance host_network = Balance::kLeave;
  std::vector<std::string> opt_out;
  Getpeername getpeername = Getpeername::kUdp;
  Terminate terminate = Terminate::kUdp;
  absl::Duration terminate_after;

  // Data plane.
  std::string cgroup;  // empty: where cgroup2 is mounted
  std::string pin_dir;
  absl::Duration lease;  // zero: tables never expire
  uint32_t max_services = 0;
  uint32_t max_slots = 0;
  uint64_t max_hash_memory = 0;  // bytes
  bool counters = true;
  bool service_metrics = true;

  // Operation.
  std::string admin_socket;
  std::optional<HostPort> metrics_address;  // unset: no exporter
  LogLevel log_level = LogLevel::kInfo;
  LogFormat log_format = LogFormat::kText;
  std::optional<HostPort> ui_address;  // unset: no page

  // By flag, what was given for it and counts; the others have their defaults.
  std::map<std::string, std::vector<std::string>, std::less<>> given;

  bool operator==(const Config&) const = default;
};

}  // namespace vicinity::config
