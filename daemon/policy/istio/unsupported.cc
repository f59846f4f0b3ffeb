#include "policy/istio/unsupported.h"

#include <array>

namespace vicinity::policy::istio {
namespace {

constexpr Severity kWarning = Severity::kWarning;

constexpr std::string_view kNotEnforced =
    "is not enforced: a connection is only given a destination; keep a waypoint or a sidecar for "
    "it";
constexpr std::string_view kHttp =
    "is not enforced: HTTP is not seen at connect time; use a waypoint";
constexpr std::string_view kSocket =
    "is not enforced: connections keep the options that the application sets; set it there, or "
    "keep a waypoint or a sidecar";
constexpr std::string_view kTls =
    "is not done here: connections leave as the application made them; leave services that need "
    "mesh TLS to ztunnel or the sidecar";
constexpr std::string_view kRetries =
    "is not enforced: there are no retries at connect time; use a waypoint";
constexpr std::string_view kWarmup =
    "is not done: new endpoints take their full share at once; delay their readiness instead";

constexpr std::array kConnectionPool{
    Unsupported{"connectionPool.tcp.maxConnections", kWarning, kNotEnforced},
    Unsupported{"connectionPool.tcp.connectTimeout", kWarning, kSocket},
    Unsupported{"connectionPool.tcp.tcpKeepalive.probes", kWarning, kSocket},
    Unsupported{"connectionPool.tcp.tcpKeepalive.time", kWarning, kSocket},
    Unsupported{"connectionPool.tcp.tcpKeepalive.interval", kWarning, kSocket},
    Unsupported{"connectionPool.tcp.maxConnectionDuration", kWarning, kNotEnforced},
    Unsupported{"connectionPool.tcp.idleTimeout", kWarning, kNotEnforced},
    Unsupported{"connectionPool.http.http1MaxPendingRequests", kWarning, kHttp},
    Unsupported{"connectionPool.http.http2MaxRequests", kWarning, kHttp},
    Unsupported{"connectionPool.http.maxRequestsPerConnection", kWarning, kHttp},
    Unsupported{"connectionPool.http.maxRetries", kWarning, kHttp},
    Unsupported{"connectionPool.http.idleTimeout", kWarning, kHttp},
    Unsupported{"connectionPool.http.h2UpgradePolicy", kWarning, kHttp},
    Unsupported{"connectionPool.http.useClientProtocol", kWarning, kHttp},
    Unsupported{"connectionPool.http.maxConcurrentStreams", kWarning, kHttp},
};

constexpr std::array kClientTls{
    Unsupported{"tls.mode", kWarning, kTls},
    Unsupported{"tls.clientCertificate", kWarning, kTls},
    Unsupported{"tls.privateKey", kWarning, kTls},
    Unsupported{"tls.caCertificates", kWarning, kTls},
    Unsupported{"tls.credentialName", kWarning, kTls},
    Unsupported{"tls.subjectAltNames", kWarning, kTls},
    Unsupported{"tls.sni", kWarning, kTls},
    Unsupported{"tls.insecureSkipVerify", kWarning, kTls},
    Unsupported{"tls.caCrl", kWarning, kTls},
};

constexpr std::array kTunnel{
    Unsupported{"tunnel.protocol", kWarning, kNotEnforced},
    Unsupported{"tunnel.targetHost", kWarning, kNotEnforced},
    Unsupported{"tunnel.targetPort", kWarning, kNotEnforced},
};

constexpr std::array kProxyProtocol{
    Unsupported{"proxyProtocol.version", kWarning, kNotEnforced},
};

constexpr std::array kRetryBudget{
    Unsupported{"retryBudget.percent", kWarning, kRetries},
    Unsupported{"retryBudget.minRetryConcurrency", kWarning, kRetries},
};

constexpr std::array kWarmupFields{
    Unsupported{"warmup.duration", kWarning, kWarmup},
    Unsupported{"warmup.minimumPercent", kWarning, kWarmup},
    Unsupported{"warmup.aggression", kWarning, kWarmup},
};
constexpr std::array kOldWarmup{Unsupported{"warmupDurationSecs", kWarning, kWarmup}};

}  // namespace

void diagnose_port_policy(Fields& policy) {
  policy.unsupported_below("connectionPool", kConnectionPool);
  policy.unsupported_below("tls", kClientTls);
}

void diagnose_traffic_policy(Fields& policy) {
  policy.unsupported_below("tunnel", kTunnel);
  policy.unsupported_below("proxyProtocol", kProxyProtocol);
  policy.unsupported_below("retryBudget", kRetryBudget);
}

void diagnose_warmup(Fields& balancer) {
  balancer.unsupported_below("warmup", kWarmupFields);
  balancer.unsupported(kOldWarmup);
}

}  // namespace vicinity::policy::istio
