// Rows for every source of settings, their precedence, and every flag's error.
#include <absl/time/time.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "base/status.h"
#include "config/flags.h"
#include "config/parse.h"
#include "config/values.h"
#include "support/paths.h"

namespace vicinity::config {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

struct Given {
  std::vector<std::string> args;
  std::map<std::string, std::string> environment;
  std::map<std::string, std::string> files;
};

absl::StatusOr<Config> parse(const Given& given) {
  std::vector<const char*> argv{"vicinityd"};
  for (const std::string& arg : given.args) argv.push_back(arg.c_str());
  const auto environment = [&](const std::string& name) -> std::optional<std::string> {
    const auto found = given.environment.find(name);
    if (found == given.environment.end()) return std::nullopt;
    return found->second;
  };
  const auto read_file = [&](const std::string& path) -> absl::StatusOr<std::string> {
    const auto found = given.files.find(path);
    if (found == given.files.end()) return absl::NotFoundError(path + ": No such file");
    return found->second;
  };
  return parse_config(
      {static_cast<int>(argv.size()), argv.data(), environment, read_file, "vicinityd 1.2.3"});
}

std::string error_of(const Given& given) {
  const auto config = parse(given);
  return config.ok() ? "" : std::string(base::message(config.status()));
}

TEST(Config, DefaultsAreThoseOfTheInterface) {
  const auto config = parse({.args = {"--node-name=n"}, .environment = {}, .files = {}});
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->action, Action::kRun);
  EXPECT_EQ(config->node_name, "n");
  EXPECT_EQ(config->feed, FeedChoice{});
  EXPECT_EQ(config->xds_address, (HostPort{"istiod.istio-system.svc", 15012}));
  EXPECT_EQ(config->xds_auth, XdsAuth::kTls);
  EXPECT_EQ(config->locality_wait, absl::Seconds(5));
  EXPECT_EQ(config->pin_dir, "/sys/fs/bpf/vicinity");
  EXPECT_EQ(config->admin_socket, "/run/vicinity/admin.sock");
  EXPECT_EQ(config->on_empty, EmptyAction::kRefuse);
  EXPECT_EQ(config->on_unknown_port, EmptyAction::kPass);
  EXPECT_EQ(config->lease, absl::Minutes(10));
  EXPECT_EQ(config->resync_quiet, absl::Seconds(10));
  EXPECT_EQ(config->max_receive_bytes, uint64_t{1} << 30);
  EXPECT_EQ(config->metrics_address, (HostPort{"127.0.0.1", 15190}));
  EXPECT_EQ(config->getpeername, Getpeername::kUdp);
  EXPECT_EQ(config->terminate, Terminate::kUdp);
  EXPECT_EQ(config->terminate_after, absl::Seconds(10));
  EXPECT_EQ(config->cluster_id, std::nullopt);
  EXPECT_TRUE(config->counters);
}

TEST(Config, EveryDefaultPassesItsOwnParser) {
  for (const Flag& flag : flags()) {
    if (flag.default_text.empty()) continue;
    Config config;
    const std::vector<std::string> texts{std::string(flag.default_text)};
    EXPECT_TRUE(flag.set(config, texts).ok()) << flag.name;
  }
}

TEST(Config, FlagBeatsEnvironmentBeatsFile) {
  const std::string file = "lease: 3m\nresync-quiet: 3s\nlocality-wait: 3s\nnode-name: from-file\n";
  const auto config =
      parse({.args = {"--config", "f", "--lease", "1m"},
             .environment = {{"VICINITY_LEASE", "2m"}, {"VICINITY_RESYNC_QUIET", "2s"}},
             .files = {{"f", file}}});
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->lease, absl::Minutes(1));
  EXPECT_EQ(config->resync_quiet, absl::Seconds(2));
  EXPECT_EQ(config->locality_wait, absl::Seconds(3));
  EXPECT_EQ(config->node_name, "from-file");
}

TEST(Config, ListsOfAHigherSourceReplaceThoseOfALower) {
  const std::map<std::string, std::string> file{{"f", "node-name: n\nflat-network: [a, b]\n"}};
  EXPECT_THAT(parse({.args = {"--config=f"}, .environment = {}, .files = file})->flat_networks,
              ElementsAre("a", "b"));
  EXPECT_THAT(parse({.args = {},
                     .environment = {{"VICINITY_CONFIG", "f"}, {"VICINITY_FLAT_NETWORK", "c,d"}},
                     .files = file})
                  ->flat_networks,
              ElementsAre("c", "d"));
  EXPECT_THAT(parse({.args = {"--flat-network=e", "--flat-network", "[x,y]", "--config=f"},
                     .environment = {{"VICINITY_FLAT_NETWORK", "c,d"}},
                     .files = file})
                  ->flat_networks,
              ElementsAre("e", "[x,y]"));
}

struct NodeNameRow {
  std::map<std::string, std::string> environment;
  std::vector<std::string> args;
  std::string expected;
};

TEST(Config, NodeNameComesAlsoFromTheKubernetesVariable) {
  const NodeNameRow rows[] = {
      {{{"NODE_NAME", "k"}}, {}, "k"},
      {{{"NODE_NAME", "k"}, {"VICINITY_NODE_NAME", "v"}}, {}, "v"},
      {{{"NODE_NAME", "k"}, {"VICINITY_NODE_NAME", "v"}}, {"--node-name", "f"}, "f"},
  };
  for (const NodeNameRow& row : rows) {
    const auto config = parse({.args = row.args, .environment = row.environment, .files = {}});
    ASSERT_TRUE(config.ok()) << config.status();
    EXPECT_EQ(config->node_name, row.expected);
  }
  EXPECT_EQ(error_of({}), "--node-name: required (or NODE_NAME in the environment)");
}

struct ValueRow {
  std::string flag;
  std::string value;
  bool (*check)(const Config&);
};

TEST(Config, ValuesAreTyped) {
  const ValueRow rows[] = {
      {"feed", "file:/m.yaml",
       [](const Config& c) { return c.feed == FeedChoice{FeedKind::kFile, "/m.yaml"}; }},
      {"xds-address", "[::1]:15010",
       [](const Config& c) { return to_string(c.xds_address) == "[::1]:15010"; }},
      {"xds-auth", "plaintext", [](const Config& c) { return c.xds_auth == XdsAuth::kPlaintext; }},
      {"locality", "r/z/s",
       [](const Config& c) { return c.locality == LocalityOverride{"r", "z", "s"}; }},
      {"locality", "r",
       [](const Config& c) { return c.locality == LocalityOverride{"r", "", ""}; }},
      {"locality", "", [](const Config& c) { return !c.locality.has_value(); }},
      {"network", "net1", [](const Config& c) { return c.network == "net1"; }},
      {"network", "", [](const Config& c) { return !c.network.has_value(); }},
      {"cluster-id", "c2", [](const Config& c) { return c.cluster_id == "c2"; }},
      {"lease", "0", [](const Config& c) { return c.lease == absl::ZeroDuration(); }},
      {"lease", "1h30m", [](const Config& c) { return c.lease == absl::Minutes(90); }},
      {"metrics-address", "", [](const Config& c) { return !c.metrics_address.has_value(); }},
      {"max-receive-bytes", "512Mi",
       [](const Config& c) { return c.max_receive_bytes == uint64_t{512} << 20; }},
      {"max-slots", "64", [](const Config& c) { return c.max_slots == 64; }},
      {"max-hash-memory", "1Mi",
       [](const Config& c) { return c.max_hash_memory == uint64_t{1} << 20; }},
      {"max-services", "7", [](const Config& c) { return c.max_services == 7; }},
      {"counters", "off", [](const Config& c) { return !c.counters; }},
      {"on-empty", "pass", [](const Config& c) { return c.on_empty == EmptyAction::kPass; }},
      {"on-unknown-port", "refuse",
       [](const Config& c) { return c.on_unknown_port == EmptyAction::kRefuse; }},
      {"log-level", "debug", [](const Config& c) { return c.log_level == LogLevel::kDebug; }},
      {"ui-address", "", [](const Config& c) { return !c.ui_address.has_value(); }},
      {"ui-address", "[::1]:1", [](const Config& c) { return c.ui_address == HostPort{"::1", 1}; }},
      {"log-level", "warn",
       [](const Config& c) { return c.given.at("log-level") == std::vector<std::string>{"warn"}; }},
      {"log-format", "json", [](const Config& c) { return c.log_format == LogFormat::kJson; }},
      {"getpeername", "off", [](const Config& c) { return c.getpeername == Getpeername::kOff; }},
      {"getpeername", "all", [](const Config& c) { return c.getpeername == Getpeername::kAll; }},
      {"terminate", "none", [](const Config& c) { return c.terminate == Terminate::kNone; }},
      {"terminate", "all", [](const Config& c) { return c.terminate == Terminate::kAll; }},
      {"terminate-after", "0s",
       [](const Config& c) { return c.terminate_after == absl::Seconds(0); }},
      {"outlier-default", "off",
       [](const Config& c) { return c.outlier_default == OutlierDefault::kOff; }},
      {"outlier-default", "conservative",
       [](const Config& c) { return c.outlier_default == OutlierDefault::kConservative; }},
      {"outlier-hook", "off", [](const Config& c) { return c.outlier_hook == OutlierHook::kOff; }},
      {"outlier-hook", "on", [](const Config& c) { return c.outlier_hook == OutlierHook::kOn; }},
      {"captured-pods", "leave",
       [](const Config& c) { return c.captured_pods == Balance::kLeave; }},
      {"waypoint-services", "leave",
       [](const Config& c) { return c.waypoint_services == Balance::kLeave; }},
      {"waypoint-services", "balance",
       [](const Config& c) { return c.waypoint_services == Balance::kBalance; }},
      {"host-network", "balance",
       [](const Config& c) { return c.host_network == Balance::kBalance; }},
      {"captured-pods", "balance",
       [](const Config& c) { return c.captured_pods == Balance::kBalance; }},
      {"opt-out", "a/*",
       [](const Config& c) { return c.opt_out == std::vector<std::string>{"a/*"}; }},
      {"exclude-service", "a/*",
       [](const Config& c) { return c.exclude_services == std::vector<std::string>{"a/*"}; }},
      {"policy-dir", "", [](const Config& c) { return c.policy_dir.empty(); }},
      {"pod-name", "p", [](const Config& c) { return c.pod_name == "p"; }},
      {"pod-namespace", "ns", [](const Config& c) { return c.pod_namespace == "ns"; }},
      {"pod-ip", "fd00::1", [](const Config& c) { return c.pod_ip == "fd00::1"; }},
      {"cgroup", "/c", [](const Config& c) { return c.cgroup == "/c"; }},
      {"xds-token", "", [](const Config& c) { return c.xds_token.empty(); }},
      {"xds-root-cert", "r.pem", [](const Config& c) { return c.xds_root_cert == "r.pem"; }},
  };
  for (const ValueRow& row : rows) {
    SCOPED_TRACE(row.flag + "=" + row.value);
    std::string variable = "VICINITY_" + row.flag;
    for (char& c : variable) c = c == '-' ? '_' : static_cast<char>(std::toupper(c));
    const std::string file = "node-name: n\n" + row.flag + ": '" + row.value + "'\n";
    const Given sources[] = {
        {.args = {"--node-name=n", "--" + row.flag + "=" + row.value},
         .environment = {},
         .files = {}},
        {.args = {"--node-name=n"}, .environment = {{variable, row.value}}, .files = {}},
        {.args = {"--config=f"}, .environment = {}, .files = {{"f", file}}},
    };
    for (const Given& given : sources) {
      const auto config = parse(given);
      ASSERT_TRUE(config.ok()) << config.status();
      EXPECT_TRUE(row.check(*config));
    }
  }
}

struct ErrorRow {
  std::string flag;
  std::string value;
  std::string error;  // after "ORIGIN: "
};

TEST(Config, ABadValueNamesItsFlagVariableOrKey) {
  const ErrorRow rows[] = {
      {"node-name", "", "must not be empty"},
      {"feed", "files:x", "'files:x' is neither 'xds' nor 'file:PATH'"},
      {"feed", "file:", "'file:' is neither 'xds' nor 'file:PATH'"},
      {"xds-address", "istiod", "'istiod' is not HOST:PORT"},
      {"xds-address", "istiod:0", "'istiod:0': the port must be 1 to 65535"},
      {"xds-address", "istiod:65536", "'istiod:65536': the port must be 1 to 65535"},
      {"xds-address", "::1:80", "'::1:80': write an IPv6 address in brackets, [ADDRESS]:PORT"},
      {"xds-auth", "mtls", "'mtls' is not one of tls, plaintext"},
      {"locality", "a/b/c/d", "'a/b/c/d' is not REGION[/ZONE[/SUBZONE]]"},
      {"locality", "a//c", "'a//c' is not REGION[/ZONE[/SUBZONE]]"},
      {"locality-wait", "5", "'5' is not a duration (examples: 500ms, 5s, 10m, 1h30m, 0)"},
      {"locality-wait", "-1s", "'-1s' is negative"},
      {"lease", "inf", "'inf' is not finite"},
      {"resync-quiet", "0", "must be above zero"},
      {"max-receive-bytes", "1GB", "'1GB' is not a size in bytes (examples: 4194304, 512Mi, 1Gi)"},
      {"max-receive-bytes", "2Gi", "'2Gi' is too large (at most 2147483647)"},
      {"max-receive-bytes", "99999999999Gi", "'99999999999Gi' is too large (at most 2147483647)"},
      {"max-services", "0", "'0' is not a whole number above zero"},
      {"max-slots", "-3", "'-3' is not a whole number above zero"},
      {"counters", "maybe", "'maybe' is neither 'on' nor 'off'"},
      {"on-empty", "drop", "'drop' is not one of refuse, pass"},
      {"on-unknown-port", "", "'' is not one of refuse, pass"},
      {"pod-ip", "here", "'here' is not an IP address"},
      {"pin-dir", "bpf", "'bpf' is not an absolute path"},
      {"admin-socket", "a.sock", "'a.sock' is not an absolute path"},
      {"metrics-address", "9090", "'9090' is not HOST:PORT"},
      {"log-level", "loud", "'loud' is not one of debug, info, warn, error"},
      {"log-format", "xml", "'xml' is not one of text, json"},
      {"flat-network", "", "must not be empty"},
      {"captured-pods", "refuse", "'refuse' is not one of leave, balance"},
      {"host-network", "refuse", "'refuse' is not one of leave, balance"},
      {"getpeername", "tcp", "'tcp' is not one of off, udp, all"},
  };
  for (const ErrorRow& row : rows) {
    const std::string flag = "--" + row.flag;
    EXPECT_EQ(error_of({.args = {flag + "=" + row.value}, .environment = {}, .files = {}}),
              flag + ": " + row.error);
    EXPECT_EQ(error_of({.args = {"--config=f"},
                        .environment = {},
                        .files = {{"f", row.flag + ": '" + row.value + "'"}}}),
              "f: " + row.flag + ": " + row.error);
  }
  EXPECT_EQ(error_of({.args = {}, .environment = {{"VICINITY_LEASE", "soon"}}, .files = {}}),
            "VICINITY_LEASE: 'soon' is not a duration (examples: 500ms, 5s, 10m, 1h30m, 0)");
}

TEST(Config, EveryErrorOfEverySourceIsListed) {
  const std::string file =
      "leese: 1m\nlease: [1m]\nfeed: xds\nfeed: xds\nflat-network: {a: b}\nlog-level: loud\n";
  EXPECT_EQ(error_of({.args = {"--config=f", "--max-slots=x"},
                      .environment = {{"VICINITY_ON_EMPTY", "drop"}},
                      .files = {{"f", file}}}),
            "f: leese: unknown key\n"
            "f: lease: not a single value\n"
            "f: feed: given twice\n"
            "f: flat-network: not a list of texts\n"
            "f: log-level: 'loud' is not one of debug, info, warn, error\n"
            "VICINITY_ON_EMPTY: 'drop' is not one of refuse, pass\n"
            "--max-slots: 'x' is not a whole number above zero");
}

struct FileRow {
  std::string text;
  std::string error;
};

TEST(Config, AFileThatIsNoMappingIsRefused) {
  const FileRow rows[] = {
      {"- a\n", "f: not a mapping of setting to value"},
      {"just text\n", "f: not a mapping of setting to value"},
      {"flat-network: [a, [b]]\n", "f: flat-network[1]: not a text"},
      {"lease:\n", "f: lease: not a single value"},
      {"[a]: b\n", "f: a key is not a plain text"},
  };
  for (const FileRow& row : rows) {
    EXPECT_EQ(error_of({.args = {"--config=f"}, .environment = {}, .files = {{"f", row.text}}}),
              row.error);
  }
  EXPECT_THAT(error_of({.args = {"--config=f"}, .environment = {}, .files = {{"f", "a: [b\n"}}}),
              HasSubstr("f: yaml-cpp: error at line"));
  EXPECT_EQ(error_of({.args = {"--config=none"}, .environment = {}, .files = {}}),
            "--config: none: No such file");
}

TEST(Config, UnknownAndRepeatedFlagsAreRefused) {
  EXPECT_THAT(error_of({.args = {"--leese=1m"}, .environment = {}, .files = {}}),
              HasSubstr("--leese"));
  EXPECT_THAT(error_of({.args = {"--lease=1m", "--lease=2m"}, .environment = {}, .files = {}}),
              HasSubstr("--lease"));
  EXPECT_THAT(error_of({.args = {"stray"}, .environment = {}, .files = {}}), HasSubstr("stray"));
}

TEST(Config, HelpAndVersionArePrinted) {
  const auto help = parse({.args = {"--help"}, .environment = {}, .files = {}});
  ASSERT_TRUE(help.ok());
  EXPECT_EQ(help->action, Action::kPrint);
  for (const Flag& flag : flags()) {
    EXPECT_THAT(help->print, HasSubstr("--" + std::string(flag.name)));
    EXPECT_THAT(help->print, HasSubstr(std::string(flag.group) + ":"));
  }
  EXPECT_EQ(parse({.args = {"--version"}, .environment = {}, .files = {}})->print,
            "vicinityd 1.2.3\n");
}

TEST(Config, UninstallNeedsNoNodeName) {
  const auto config = parse({.args = {"--uninstall"}, .environment = {}, .files = {}});
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->action, Action::kUninstall);
  EXPECT_EQ(parse({.args = {"--node-name=n"},
                   .environment = {{"VICINITY_UNINSTALL", "false"}},
                   .files = {}})
                ->action,
            Action::kRun);
}

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) out += c == '|' ? std::string("\\|") : std::string(1, c);
  return out;
}

TEST(Config, OperationsPageHasTheTableOfFlags) {
  std::ifstream file(vicinity::testing::source_dir() / "docs/operations.md");
  std::stringstream page;
  page << file.rdbuf();
  std::string table;
  for (const Flag& flag : flags()) {
    table += "| `--" + std::string(flag.name) + "` | " + escaped(flag.value) + " | " +
             escaped(flag.default_text) + " | " + std::string(flag.help);
    table += flag.only_default.empty() ? " |\n" : " (" + std::string(flag.only_default) + ") |\n";
  }
  EXPECT_THAT(page.str(), HasSubstr(table));
}

}  // namespace
}  // namespace vicinity::config
