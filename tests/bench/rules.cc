#include "bench/rules.h"

#include <fmt/format.h>

#include <iterator>

namespace vicinity::bench {
namespace {

constexpr auto kFamily = model::Family::kIpv4;
constexpr std::string_view kPods = networks_of(kFamily).endpoints;

std::string service_ip(uint32_t service) { return service_address(kFamily, service).to_string(); }
std::string endpoint_ip(uint32_t endpoint) {
  return endpoint_address(kFamily, endpoint).to_string();
}

void add_chain_names(const Shape& shape, std::back_insert_iterator<std::string> out) {
  fmt::format_to(out, ":KUBE-SERVICES - [0:0]\n:KUBE-MARK-MASQ - [0:0]\n");
  for (uint32_t service = 0; service < shape.services; ++service) {
    fmt::format_to(out, ":KUBE-SVC-{} - [0:0]\n", service);
  }
  for (uint32_t endpoint = 0; endpoint < shape.all_endpoints(); ++endpoint) {
    fmt::format_to(out, ":KUBE-SEP-{} - [0:0]\n", endpoint);
  }
}

void add_service(const Shape& shape, uint32_t service, std::back_insert_iterator<std::string> out) {
  fmt::format_to(out, "-A KUBE-SERVICES -d {}/32 -p tcp -m tcp --dport {} -j KUBE-SVC-{}\n",
                 service_ip(service), kServicePort, service);
  fmt::format_to(out,
                 "-A KUBE-SVC-{} ! -s {} -d {}/32 -p tcp -m tcp --dport {} "
                 "-j KUBE-MARK-MASQ\n",
                 service, kPods, service_ip(service), kServicePort);
  for (uint32_t i = 0; i < shape.endpoints; ++i) {
    const uint32_t endpoint = service * shape.endpoints + i;
    const uint32_t left = shape.endpoints - i;
    const std::string draw =
        left == 1 ? ""
                  : fmt::format("-m statistic --mode random --probability {:.10f} ", 1.0 / left);
    fmt::format_to(out, "-A KUBE-SVC-{} {}-j KUBE-SEP-{}\n", service, draw, endpoint);
    fmt::format_to(out, "-A KUBE-SEP-{} -s {}/32 -j KUBE-MARK-MASQ\n", endpoint,
                   endpoint_ip(endpoint));
    fmt::format_to(out, "-A KUBE-SEP-{} -p tcp -m tcp -j DNAT --to-destination {}:{}\n", endpoint,
                   endpoint_ip(endpoint), kEndpointPort);
  }
}

void add_endpoint_chains(const Shape& shape, std::back_insert_iterator<std::string> out) {
  for (uint32_t endpoint = 0; endpoint < shape.all_endpoints(); ++endpoint) {
    const std::string ip = endpoint_ip(endpoint);
    fmt::format_to(out,
                   "chain endpoint-{} {{\n ip saddr {} meta mark set meta mark or 0x4000\n"
                   " meta l4proto tcp dnat to {}:{}\n}}\n",
                   endpoint, ip, ip, kEndpointPort);
  }
}

void add_service_chain(const Shape& shape, uint32_t service,
                       std::back_insert_iterator<std::string> out) {
  fmt::format_to(out,
                 "chain service-{} {{\n ip daddr {} tcp dport {} ip saddr != {} "
                 "meta mark set meta mark or 0x4000\n numgen random mod {} vmap {{",
                 service, service_ip(service), kServicePort, kPods, shape.endpoints);
  for (uint32_t i = 0; i < shape.endpoints; ++i) {
    fmt::format_to(out, " {} : goto endpoint-{},", i, service * shape.endpoints + i);
  }
  fmt::format_to(out, " }}\n}}\n");
}

}  // namespace

std::string iptables_rules(const Shape& shape) {
  std::string text = "*nat\n";
  const auto out = std::back_inserter(text);
  add_chain_names(shape, out);
  text += "-A OUTPUT -j KUBE-SERVICES\n-A KUBE-MARK-MASQ -j MARK --or-mark 0x4000\n";
  for (uint32_t service = 0; service < shape.services; ++service) add_service(shape, service, out);
  text += "COMMIT\n";
  return text;
}

std::string nftables_rules(const Shape& shape) {
  std::string text = "table ip kube-proxy {\n";
  const auto out = std::back_inserter(text);
  add_endpoint_chains(shape, out);
  for (uint32_t service = 0; service < shape.services; ++service) {
    add_service_chain(shape, service, out);
  }
  text +=
      "map service-ips {\n type ipv4_addr . inet_proto . inet_service : verdict\n elements = {\n";
  for (uint32_t service = 0; service < shape.services; ++service) {
    fmt::format_to(out, "  {} . tcp . {} : goto service-{},\n", service_ip(service), kServicePort,
                   service);
  }
  text +=
      " }\n}\nchain services {\n ip daddr . meta l4proto . th dport vmap @service-ips\n}\n"
      "chain nat-output {\n type nat hook output priority -100; policy accept;\n"
      " jump services\n}\n}\n";
  return text;
}

std::string ipvs_rules(const Shape& shape) {
  std::string text;
  const auto out = std::back_inserter(text);
  for (uint32_t service = 0; service < shape.services; ++service) {
    const std::string address = fmt::format("{}:{}", service_ip(service), kServicePort);
    fmt::format_to(out, "-A -t {} -s rr\n", address);
    for (uint32_t i = 0; i < shape.endpoints; ++i) {
      fmt::format_to(out, "-a -t {} -r {}:{} -m -w 1\n", address,
                     endpoint_ip(service * shape.endpoints + i), kEndpointPort);
    }
  }
  return text;
}

}  // namespace vicinity::bench
