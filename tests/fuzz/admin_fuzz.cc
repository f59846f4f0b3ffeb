// The requests of vicinityctl with any content, against the service itself over a small cluster.
// The first byte picks the call, the rest is the request.
#include <string>
#include <thread>

#include "admin/dump.h"
#include "admin/service.h"
#include "admin/status.h"
#include "compile/compile.h"
#include "feed/file/mesh_file.h"
#include "fuzz/check.h"

namespace vicinity::fuzz {
namespace {

constexpr std::string_view kMesh = R"(
service:
  name: a
  namespace: ns
  hostname: a
  addresses: ["10.96.0.1", "fd00::1"]
  ports: [{servicePort: 80, targetPort: 8080}]
---
workload:
  uid: w
  name: w
  namespace: ns
  node: n1
  addresses: ["10.244.0.1"]
  services: {"ns/a": {}}
)";

class View final : public admin::ControlView {
 public:
  View() { check(feed::load_mesh_into(snapshot_, kMesh).empty(), "the mesh is good"); }
  const model::Snapshot& snapshot() const override { return snapshot_; }
  const compile::CompileOptions& options() const override { return options_; }
  std::optional<compile::ServiceTable> kernel_table(std::string_view /*name*/) const override {
    return std::nullopt;
  }
  compile::Tables kernel_tables() const override { return {}; }
  void refresh() override {}

 private:
  model::Snapshot snapshot_{"n1"};
  compile::CompileOptions options_;
};

// A service whose questions are answered by a control thread of its own, for as long as this runs.
class Fixture {
 public:
  Fixture()
      : control_([this](const std::stop_token& stop) {
          while (!stop.stop_requested()) {
            wakeups_.wait(0);
            wakeups_ = 0;
            queue_.drain(view_);
          }
        }) {}
  ~Fixture() {
    control_.request_stop();
    wake();
  }
  Fixture(const Fixture&) = delete;
  Fixture& operator=(const Fixture&) = delete;

  admin::AdminService& service() { return service_; }
  const View& view() const { return view_; }

 private:
  void wake() {
    wakeups_ = 1;
    wakeups_.notify_one();
  }

  View view_;
  telemetry::PublishedCell cell_;
  std::atomic<int> wakeups_ = 0;
  admin::ControlQueue queue_{[this] { wake(); }};
  admin::AdminService service_{queue_, [this] { return cell_.load(); }, {}};
  std::jthread control_;
};

template <class Message>
Message parse(std::string_view bytes) {
  Message message;
  [[maybe_unused]] const bool whole = message.ParsePartialFromString(std::string(bytes));
  return message;
}

void dump(const View& view, const admin::DumpRequest& request) {
  const auto dump = admin::Dump::of(request.stage());
  for (int parts = 0; dump != nullptr && !dump->next(view).empty(); ++parts) {
    check(parts < 100, "a dump ends");
  }
}

void ask(const uint8_t* data, size_t size) {
  static Fixture fixture;
  Decisions input(data, size);
  const uint8_t call = input.next(5);
  admin::TextReply text;
  grpc::Status status;
  if (call == 0) {
    const auto request = parse<admin::ExplainRequest>(input.rest());
    status = fixture.service().Explain(nullptr, &request, &text);
  } else if (call == 1) {
    const auto request = parse<admin::ExplainRequest>(input.rest());
    status = fixture.service().Endpoints(nullptr, &request, &text);
  } else if (call == 2) {
    return dump(fixture.view(), parse<admin::DumpRequest>(input.rest()));
  } else if (call == 3) {
    admin::StatusReply reply;
    const auto request = parse<admin::StatusRequest>(input.rest());
    status = fixture.service().Status(nullptr, &request, &reply);
    text.set_text(reply.DebugString() + ".");
  } else {
    const auto request = parse<admin::MetricsRequest>(input.rest());
    status = fixture.service().Metrics(nullptr, &request, &text);
  }
  check(status.ok() != text.text().empty(), "an answer or an error");
  check(status.ok() || !status.error_message().empty(), "an error says why");
}

}  // namespace
}  // namespace vicinity::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  vicinity::fuzz::ask(data, size);
  return 0;
}
