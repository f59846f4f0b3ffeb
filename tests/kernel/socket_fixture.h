// Scripts of system calls against services whose backends speak TCP and UDP, and what the hooks
// remember of the sockets. An answer is the address that was reached, so it says which backend.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "kernel/dataplane_fixture.h"
#include "support/socket_script.h"

namespace vicinity::testing {

inline constexpr char kTo4[] = "10.96.0.10:80";
inline constexpr char kTo6[] = "[fd00:10:96::10]:80";
inline constexpr char kToMapped[] = "[::ffff:10.96.0.10]:80";

// What is said to the script, and its answer.
struct Line {
  std::string say;
  std::string answer;
};

class SocketTest : public KernelDataplaneTest {
 protected:
  void SetUp() override {
    KernelDataplaneTest::SetUp();
    ServeSpec serve = {.instance = "", .ports = {}, .protocol = ServeProtocol::kUdp};
    for (uint16_t i = 0; i < kBackends; ++i) {
      serve.ports.push_back(static_cast<uint16_t>(kFirstPort + i));
    }
    VICINITY_ASSERT_OK(world_->pod("backends").serve(serve));
  }

  void open_showing(dataplane::PeerNames names) {
    dataplane::KernelOptions showing = options();
    showing.peer_names = names;
    open(showing);
  }

  [[nodiscard]] SocketScript script() {
    auto script = SocketScript::start(world_->pod("client"));
    EXPECT_TRUE(is_ok(script));
    return *std::move(script);
  }

  static void play(SocketScript& script, const std::vector<Line>& lines) {
    for (const Line& line : lines) EXPECT_EQ(script.say(line.say), line.answer) << line.say;
  }
  void play(const std::vector<Line>& lines) {
    SocketScript fresh = script();
    play(fresh, lines);
  }

  [[nodiscard]] std::vector<dataplane::Origin> origins() {
    auto origins = dataplane_->sockets()->origins();
    EXPECT_TRUE(is_ok(origins));
    return origins.ok() ? *std::move(origins) : std::vector<dataplane::Origin>{};
  }
};

}  // namespace vicinity::testing
