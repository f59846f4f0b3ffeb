#include "e2e/scenario.h"

namespace vicinity::testing {
namespace {

const Instance kLocal{"helloworld-local", "ambient-worker", "10.244.1.5", "region.zone1.subzone1"};
const Instance kSecond{"helloworld-second", "ambient-worker2", "10.244.2.5",
                       "region.zone1.subzone2"};
const Instance kThird{"helloworld-third", "ambient-worker3", "10.244.3.5", "region.zone2.subzone3"};
const Instance kThirdAgain{"helloworld-third-again", "ambient-worker3", "10.244.3.6",
                           "region.zone1.subzone2-worker3"};
const Instance kLocalAgain{"helloworld-local-again", "ambient-worker", "10.244.1.9",
                           "region.zone1.subzone1"};

std::vector<Scene> scenes() {
  return {
      {.step = "00-initial",
       .title = "PreferClose, an instance in every locality: the local one answers",
       .starts = {kLocal, kSecond, kThird},
       .ends = {},
       .answers = {kLocal.name}},
      {.step = "01-delete-local",
       .title = "the local instance is deleted: fail over inside the zone",
       .starts = {},
       .ends = {kLocal.name},
       .answers = {kSecond.name}},
      {.step = "02-relabel-worker3",
       .title =
           "ambient-worker3 moves into the same subzone: both of it, already before redeploying",
       .starts = {},
       .ends = {},
       .answers = {kSecond.name, kThird.name}},
      {.step = "03-delete-third",
       .title = "the third instance is deleted: one is left",
       .starts = {},
       .ends = {kThird.name},
       .answers = {kSecond.name}},
      {.step = "04-redeploy-third",
       .title = "the third instance is back: both again",
       .starts = {kThirdAgain},
       .ends = {},
       .answers = {kSecond.name, kThirdAgain.name}},
      {.step = "05-policy-local",
       .title = "internalTrafficPolicy: Local, and none on this node: refused",
       .starts = {},
       .ends = {},
       .answers = {}},
      {.step = "06-redeploy-local",
       .title = "Local, and one on this node: that one",
       .starts = {kLocalAgain},
       .ends = {},
       .answers = {kLocalAgain.name}},
      {.step = "07-relabel-own-node",
       .title = "this node moves to another zone: Local does not care",
       .starts = {},
       .ends = {},
       .answers = {kLocalAgain.name}},
      {.step = "08-policy-back",
       .title = "PreferClose again: ranked from where this node is now",
       .starts = {},
       .ends = {},
       .answers = {kLocalAgain.name}},
      {.step = "09-policy-none",
       .title = "no policy: all three alike",
       .starts = {},
       .ends = {},
       .answers = {kSecond.name, kThirdAgain.name, kLocalAgain.name}},
  };
}

}  // namespace

Scenario walkthrough() {
  return {.nodes = {"ambient-worker", "ambient-worker2", "ambient-worker3"},
          .client = {"sleep", "ambient-worker", "10.244.1.6", ""},
          .service = "sample/helloworld.sample.svc.cluster.local",
          .vip = "10.96.45.18",
          .port = 5000,
          .scenes = scenes()};
}

}  // namespace vicinity::testing
