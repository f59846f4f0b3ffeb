// One service of a mesh with a MeshLoadBalancingStrategy, as rows: what tests of Kuma's rules are
// written in.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "compile/explain.h"
#include "policy/book/book.h"
#include "unit/model_rows.h"

namespace vicinity::testing {

inline constexpr const char* kBackend = "kuma-demo/backend.kuma-demo.svc.cluster.local";

// A workload of the service. Zones are clusters, as --kuma-zone has it by default.
struct HostRow {
  std::string uid;
  std::string zone;
  std::map<std::string, std::string> labels;  // well-known ones become fields
  bool sick = false;
  uint32_t capacity = 1;
};

struct ClientRow {
  std::string zone = "z1";
  std::map<std::string, std::string> labels;  // well-known ones become fields
};

// A MeshLoadBalancingStrategy for the service, with `conf` (flow YAML) as its `default`.
[[nodiscard]] std::string strategy_for(std::string_view conf);
// Aborts on documents with errors: rows are ours.
[[nodiscard]] std::shared_ptr<const policy::book::Book> book_of(
    std::string_view documents, const policy::Settings& settings = {});

class KumaScene {
 public:
  KumaScene(const std::vector<HostRow>& hosts, const ClientRow& client);
  // Ports of the service besides 8080.
  void add_port(int port);
  [[nodiscard]] compile::Explanation explain(std::shared_ptr<const policy::book::Book> policies,
                                             int port = 8080);
  // As compiled for the kernel; slots in the order of the hosts where all are of one tier.
  [[nodiscard]] compile::PortTable table(std::shared_ptr<const policy::book::Book> policies);
  // "0=100: a90 b10; 2=0: c0; d not_matched;", shares in percent, rounded to 0.01.
  [[nodiscard]] std::string text(std::shared_ptr<const policy::book::Book> policies);

  World world;

 private:
  [[nodiscard]] compile::PlanRequest request(int port);

  model::ClientContext client_;
};

}  // namespace vicinity::testing
