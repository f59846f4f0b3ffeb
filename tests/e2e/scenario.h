// The walk-through of the seed document as data: what happens at each step, which pods come and go
// with it, and who must answer the client afterwards. Played by the e2e test over the recording and
// over mesh files, and by the demo.
#pragma once

#include <set>
#include <string>
#include <vector>

namespace vicinity::testing {

// A helloworld pod.
struct Instance {
  std::string name;
  std::string node;
  std::string address;
  std::string version;
};

struct Scene {
  std::string step;               // of the feed
  std::string title;              // for people
  std::vector<Instance> starts;   // run before the feed says so
  std::vector<std::string> ends;  // end once the tables are without them
  std::set<std::string> answers;  // instances; empty: refused
};

struct Scenario {
  std::vector<std::string> nodes;
  Instance client;
  std::string service;  // namespace/hostname
  std::string vip;
  int port = 0;
  std::vector<Scene> scenes;
};

[[nodiscard]] Scenario walkthrough();

}  // namespace vicinity::testing
