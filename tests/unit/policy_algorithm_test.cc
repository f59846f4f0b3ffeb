// The parameters of the algorithms: what is allowed, what has an effect, how they read.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "policy/algorithm.h"

namespace vicinity::testing {
namespace {

using policy::Algorithm;
using policy::AlgorithmSpec;
using policy::HashInput;

struct CheckRow {
  AlgorithmSpec spec;
  std::string error;  // part of the message; empty: allowed
};

TEST(AlgorithmSpec, SaysWhatIsNotPossible) {
  const std::vector<CheckRow> rows = {
      {{}, ""},
      {{.kind = Algorithm::kRandom, .maglev_size = 4}, ""},
      {{.kind = Algorithm::kRoundRobin}, ""},
      {{.kind = Algorithm::kLeastRequest}, ""},
      {{.kind = Algorithm::kLeastRequest, .choice_count = 1}, "choice count 1: 2 to 32"},
      {{.kind = Algorithm::kLeastRequest, .choice_count = 33}, "choice count 33: 2 to 32"},
      {{.kind = Algorithm::kLeastRequest, .bias_permille = 16001}, "bias 16.001: 0 to 16"},
      {{.kind = Algorithm::kMaglev}, ""},
      {{.kind = Algorithm::kMaglev, .maglev_size = 2}, ""},
      {{.kind = Algorithm::kMaglev, .maglev_size = 5000011}, ""},
      {{.kind = Algorithm::kMaglev, .maglev_size = 5000077}, "table size 5000077: a prime of at"},
      {{.kind = Algorithm::kMaglev, .maglev_size = 65535}, "table size 65535: a prime"},
      {{.kind = Algorithm::kMaglev, .maglev_size = 1}, "table size 1: a prime"},
      {{.kind = Algorithm::kMaglev, .maglev_size = 25}, "table size 25: a prime"},
      {{.kind = Algorithm::kRingHash}, ""},
      {{.kind = Algorithm::kRingHash, .ring_max = 1000}, "1024: 1 to the maximum, 1000"},
      {{.kind = Algorithm::kRingHash, .ring_min = 0}, "minimum ring size 0"},
      {{.kind = Algorithm::kRingHash, .ring_max = 8388609}, "at most 8388608"},
      {{.affinity_timeout_s = 86400}, ""},
      {{.affinity_timeout_s = 86401}, "affinity timeout 86401 s"},
  };
  for (const CheckRow& row : rows) {
    const absl::Status status = policy::check(row.spec);
    EXPECT_EQ(status.ok(), row.error.empty()) << status;
    EXPECT_NE(status.ToString().find(row.error), std::string::npos) << status;
  }
}

TEST(AlgorithmSpec, OnlyWhatHasAnEffectMakesADifference) {
  const AlgorithmSpec busy{.kind = Algorithm::kRandom,
                           .choice_count = 5,
                           .bias_permille = 500,
                           .maglev_size = 17,
                           .ring_min = 3,
                           .ring_max = 4,
                           .hash_input = HashInput::kRandom,
                           .affinity_timeout_s = 60};
  const auto as = [&](Algorithm kind) {
    AlgorithmSpec spec = busy;
    spec.kind = kind;
    return policy::to_text(policy::relevant(spec));
  };
  EXPECT_EQ(policy::relevant(busy),
            (AlgorithmSpec{.kind = Algorithm::kRandom, .affinity_timeout_s = 60}));
  EXPECT_EQ(as(Algorithm::kRandom), "random affinity=60s");
  EXPECT_EQ(as(Algorithm::kRoundRobin), "round_robin affinity=60s");
  EXPECT_EQ(as(Algorithm::kLeastRequest), "least_request choices=5 bias=0.5 affinity=60s");
  EXPECT_EQ(as(Algorithm::kRingHash), "ring_hash ring=3..4 hash=random affinity=60s");
  EXPECT_EQ(as(Algorithm::kMaglev), "maglev size=17 hash=random affinity=60s");
  EXPECT_EQ(policy::to_text(AlgorithmSpec{}), "random");
}

}  // namespace
}  // namespace vicinity::testing
