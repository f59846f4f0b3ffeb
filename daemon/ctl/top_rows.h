// What happened between two looks at the traffic: connects a second by service and by zone, and the
// part of them that stayed near. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "base/json.h"
#include "proto/vicinity/admin.pb.h"

namespace vicinity::ctl {

// Each of `node`, `zone` and `region` has those of the ones before it; percent of `per_second`.
struct TopRow {
  std::string name;  // of a service, or of a zone ("region/zone")
  double per_second = 0;
  double node_percent = 0;
  double zone_percent = 0;
  double region_percent = 0;
  double refused_per_second = 0;  // of a service; not part of per_second
  bool operator==(const TopRow&) const = default;
};

struct Top {
  TopRow all;
  double refused_per_second = 0;
  double passed_per_second = 0;  // without those that were to no service
  std::vector<TopRow>
      services;  // the busiest first; those with neither connects nor refusals are left out
  std::vector<TopRow> zones;  // by destination; likewise
};

[[nodiscard]] Top top_between(const admin::TrafficReply& before, const admin::TrafficReply& after);
// `lines`: of a screen that it is to fit into, then the busiest are shown; 0: all.
[[nodiscard]] std::string to_text(const Top& top, size_t lines = 0);
[[nodiscard]] base::Json to_json(const Top& top);

}  // namespace vicinity::ctl
