// The BPF object's types against abi.h as the daemon compiles it: names, sizes, every member's
// offset; its maps' names and types; and that a hook's answer is counted where its name says.
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <gtest/gtest.h>
#include <linux/btf.h>
#include <vicinity/choice.h>
#include <vicinity/layout.h>

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "dataplane/object.h"

namespace vicinity::testing {
namespace {

struct Member {
  std::string name;
  size_t offset;
  size_t size;
};
struct Type {
  std::string name;
  size_t size;
  std::vector<Member> members;
};

#define MEMBER(type, member) {#member, offsetof(type, member), sizeof(type::member)}

std::vector<Type> abi_types() {
  return {
      {"vic_view",
       sizeof(vic_view),
       {MEMBER(vic_view, first), MEMBER(vic_view, count), MEMBER(vic_view, flags)}},
      {"vic_frontend4",
       sizeof(vic_frontend4),
       {MEMBER(vic_frontend4, address_be), MEMBER(vic_frontend4, port_be),
        MEMBER(vic_frontend4, realm), MEMBER(vic_frontend4, view)}},
      {"vic_frontend6",
       sizeof(vic_frontend6),
       {MEMBER(vic_frontend6, address_be), MEMBER(vic_frontend6, port_be),
        MEMBER(vic_frontend6, realm), MEMBER(vic_frontend6, reserved),
        MEMBER(vic_frontend6, view)}},
      {"vic_bucket4", sizeof(vic_bucket4), {MEMBER(vic_bucket4, entries)}},
      {"vic_bucket6", sizeof(vic_bucket6), {MEMBER(vic_bucket6, entries)}},
      {"vic_slot4",
       sizeof(vic_slot4),
       {MEMBER(vic_slot4, address_be), MEMBER(vic_slot4, port_be), MEMBER(vic_slot4, counter)}},
      {"vic_slot6",
       sizeof(vic_slot6),
       {MEMBER(vic_slot6, address_be), MEMBER(vic_slot6, port_be), MEMBER(vic_slot6, counter),
        MEMBER(vic_slot6, reserved)}},
      {"vic_alias",
       sizeof(vic_alias),
       {MEMBER(vic_alias, threshold), MEMBER(vic_alias, other), MEMBER(vic_alias, weight)}},
      {"vic_table", sizeof(vic_table), {MEMBER(vic_table, base), MEMBER(vic_table, mask)}},
      {"vic_config",
       sizeof(vic_config),
       {MEMBER(vic_config, table), MEMBER(vic_config, lease_until), MEMBER(vic_config, self_until),
        MEMBER(vic_config, self_tgid), MEMBER(vic_config, flags), MEMBER(vic_config, lease_ticks),
        MEMBER(vic_config, prefixes)}},
      {"vic_tier",
       sizeof(vic_tier),
       {MEMBER(vic_tier, count), MEMBER(vic_tier, priority), MEMBER(vic_tier, load_percent)}},
      {"vic_service",
       sizeof(vic_service),
       {MEMBER(vic_service, flags),        MEMBER(vic_service, more),
        MEMBER(vic_service, first),        MEMBER(vic_service, total),
        MEMBER(vic_service, loaded),       MEMBER(vic_service, port),
        MEMBER(vic_service, view_flags),   MEMBER(vic_service, counter_row),
        MEMBER(vic_service, family),       MEMBER(vic_service, mode),
        MEMBER(vic_service, algorithm),    MEMBER(vic_service, tier_count),
        MEMBER(vic_service, name_length),  MEMBER(vic_service, pass),
        MEMBER(vic_service, rest),         MEMBER(vic_service, tiers),
        MEMBER(vic_service, parameters),   MEMBER(vic_service, choices),
        MEMBER(vic_service, choice_lines), MEMBER(vic_service, name)}},
      {"vic_parameters",
       sizeof(vic_parameters),
       {MEMBER(vic_parameters, maglev_size), MEMBER(vic_parameters, ring_min),
        MEMBER(vic_parameters, ring_max), MEMBER(vic_parameters, affinity_s),
        MEMBER(vic_parameters, bias_permille), MEMBER(vic_parameters, choice_count),
        MEMBER(vic_parameters, hash_input), MEMBER(vic_parameters, refused_in_row),
        MEMBER(vic_parameters, timeouts_in_row), MEMBER(vic_parameters, suspicion_ms),
        MEMBER(vic_parameters, most_suspects)}},
      {"vic_line", sizeof(vic_line), {MEMBER(vic_line, words)}},
      {"vic_affinity_key",
       sizeof(vic_affinity_key),
       {MEMBER(vic_affinity_key, client), MEMBER(vic_affinity_key, table_id)}},
      {"vic_affinity",
       sizeof(vic_affinity),
       {MEMBER(vic_affinity, address_be), MEMBER(vic_affinity, port_be),
        MEMBER(vic_affinity, reserved), MEMBER(vic_affinity, slot), MEMBER(vic_affinity, used_at)}},
      {"vic_counted",
       sizeof(vic_counted),
       {MEMBER(vic_counted, noted), MEMBER(vic_counted, active), MEMBER(vic_counted, address_be),
        MEMBER(vic_counted, port_be), MEMBER(vic_counted, reserved)}},
      {"vic_outcomes",
       sizeof(vic_outcomes),
       {MEMBER(vic_outcomes, translated), MEMBER(vic_outcomes, not_a_service),
        MEMBER(vic_outcomes, refused_empty), MEMBER(vic_outcomes, passed_empty),
        MEMBER(vic_outcomes, passed_passthrough), MEMBER(vic_outcomes, unknown_port_passed),
        MEMBER(vic_outcomes, unknown_port_refused), MEMBER(vic_outcomes, lease_expired),
        MEMBER(vic_outcomes, own_socket), MEMBER(vic_outcomes, internal_error),
        MEMBER(vic_outcomes, unrecorded), MEMBER(vic_outcomes, passed_waypoint),
        MEMBER(vic_outcomes, opted_out), MEMBER(vic_outcomes, captured),
        MEMBER(vic_outcomes, host_network), MEMBER(vic_outcomes, kernel_socket)}},
      {"vic_pod",
       sizeof(vic_pod),
       {MEMBER(vic_pod, netns_cookie), MEMBER(vic_pod, realm), MEMBER(vic_pod, flags),
        MEMBER(vic_pod, address4_be), MEMBER(vic_pod, address6_be)}},
      {"vic_range4",
       sizeof(vic_range4),
       {MEMBER(vic_range4, prefix_length), MEMBER(vic_range4, realm),
        MEMBER(vic_range4, address_be)}},
      {"vic_range6",
       sizeof(vic_range6),
       {MEMBER(vic_range6, prefix_length), MEMBER(vic_range6, realm),
        MEMBER(vic_range6, address_be)}},
      {"vic_ejection",
       sizeof(vic_ejection),
       {MEMBER(vic_ejection, service), MEMBER(vic_ejection, address), MEMBER(vic_ejection, at_ns),
        MEMBER(vic_ejection, until_ns), MEMBER(vic_ejection, multiplier),
        MEMBER(vic_ejection, service_port), MEMBER(vic_ejection, port), MEMBER(vic_ejection, used),
        MEMBER(vic_ejection, family), MEMBER(vic_ejection, cause), MEMBER(vic_ejection, reserved)}},
      {"vic_context",
       sizeof(vic_context),
       {MEMBER(vic_context, known), MEMBER(vic_context, reserved), MEMBER(vic_context, network),
        MEMBER(vic_context, cluster), MEMBER(vic_context, region), MEMBER(vic_context, zone),
        MEMBER(vic_context, subzone), MEMBER(vic_context, node)}},
  };
}

// What is told to the daemon, and what is remembered of sockets.
std::vector<Type> socket_types() {
  return {
      {"vic_event",
       sizeof(vic_event),
       {MEMBER(vic_event, kind), MEMBER(vic_event, family), MEMBER(vic_event, reserved0),
        MEMBER(vic_event, port_be), MEMBER(vic_event, address_be), MEMBER(vic_event, realm)}},
      {"vic_endpoint",
       sizeof(vic_endpoint),
       {MEMBER(vic_endpoint, address_be), MEMBER(vic_endpoint, port_be),
        MEMBER(vic_endpoint, family), MEMBER(vic_endpoint, protocol)}},
      {"vic_origin",
       sizeof(vic_origin),
       {MEMBER(vic_origin, service), MEMBER(vic_origin, backend), MEMBER(vic_origin, flags),
        MEMBER(vic_origin, active), MEMBER(vic_origin, netns_cookie),
        MEMBER(vic_origin, started_at)}},
      {"vic_pair_key",
       sizeof(vic_pair_key),
       {MEMBER(vic_pair_key, cookie), MEMBER(vic_pair_key, id)}},
      {"vic_pair",
       sizeof(vic_pair),
       {MEMBER(vic_pair, service), MEMBER(vic_pair, backend), MEMBER(vic_pair, flags),
        MEMBER(vic_pair, active), MEMBER(vic_pair, next)}},
      {"vic_retirement",
       sizeof(vic_retirement),
       {MEMBER(vic_retirement, cookie), MEMBER(vic_retirement, pair),
        MEMBER(vic_retirement, backend), MEMBER(vic_retirement, reserved)}},
      {"vic_doom", sizeof(vic_doom), {MEMBER(vic_doom, backend), MEMBER(vic_doom, destroyed)}},
      {"vic_trace",
       sizeof(vic_trace),
       {MEMBER(vic_trace, kind), MEMBER(vic_trace, result), MEMBER(vic_trace, at),
        MEMBER(vic_trace, cookie), MEMBER(vic_trace, netns_cookie), MEMBER(vic_trace, asked),
        MEMBER(vic_trace, chosen), MEMBER(vic_trace, flags), MEMBER(vic_trace, pid),
        MEMBER(vic_trace, command)}},
      {"vic_trace_state",
       sizeof(vic_trace_state),
       {MEMBER(vic_trace_state, until), MEMBER(vic_trace_state, lost)}},
  };
}

// Those that the object describes: the others are named by no map.
std::vector<Type> watch_types() {
  return {
      {"vic_watched",
       sizeof(vic_watched),
       {MEMBER(vic_watched, active), MEMBER(vic_watched, established),
        MEMBER(vic_watched, connect_ns), MEMBER(vic_watched, suspected_until),
        MEMBER(vic_watched, refused), MEMBER(vic_watched, unreachable),
        MEMBER(vic_watched, timed_out), MEMBER(vic_watched, reset_early),
        MEMBER(vic_watched, failed_in_row), MEMBER(vic_watched, refused_in_row),
        MEMBER(vic_watched, timeouts_in_row), MEMBER(vic_watched, group)}},
      {"vic_note", sizeof(vic_note), {MEMBER(vic_note, cookie), MEMBER(vic_note, state)}},
      {"vic_note_line", sizeof(vic_note_line), {MEMBER(vic_note_line, notes)}},
  };
}

class Abi : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto bytes = dataplane::bpf_object_bytes();
    object_.reset(bpf_object__open_mem(bytes.data(), bytes.size(), nullptr));
    ASSERT_NE(object_, nullptr);
    types_ = bpf_object__btf(object_.get());
    ASSERT_NE(types_, nullptr);
  }

  std::string name_at(uint32_t offset) { return btf__name_by_offset(types_, offset); }

  struct Close {
    void operator()(bpf_object* object) const { bpf_object__close(object); }
  };
  std::unique_ptr<bpf_object, Close> object_;
  const btf* types_ = nullptr;
};

TEST_F(Abi, EveryMemberIsWhereTheDaemonHasIt) {
  std::vector<Type> types = abi_types();
  std::ranges::copy(socket_types(), std::back_inserter(types));
  std::ranges::copy(watch_types(), std::back_inserter(types));
  for (const Type& type : types) {
    SCOPED_TRACE(type.name);
    const int id = btf__find_by_name_kind(types_, type.name.c_str(), BTF_KIND_STRUCT);
    ASSERT_GT(id, 0);
    const btf_type* found = btf__type_by_id(types_, static_cast<uint32_t>(id));
    EXPECT_EQ(found->size, type.size);
    ASSERT_EQ(btf_vlen(found), type.members.size()) << "a member without a row";
    for (uint16_t i = 0; i < btf_vlen(found); ++i) {
      const btf_member* member = btf_members(found) + i;
      EXPECT_EQ(name_at(member->name_off), type.members[i].name);
      EXPECT_EQ(btf_member_bit_offset(found, i), 8 * type.members[i].offset);
      EXPECT_EQ(btf__resolve_size(types_, member->type),
                static_cast<int64_t>(type.members[i].size));
    }
  }
}

struct MapRow {
  std::string name;
  bpf_map_type type;
  size_t value_size;
  std::string value_type;  // BTF; empty: none
};

TEST_F(Abi, EveryMapHasItsTypes) {
  const std::vector<MapRow> rows = {
      {"vic_config", BPF_MAP_TYPE_ARRAY, sizeof(vic_config), "vic_config"},
      {"vic_frontends4", BPF_MAP_TYPE_ARRAY, sizeof(vic_bucket4), "vic_bucket4"},
      {"vic_frontends6", BPF_MAP_TYPE_ARRAY, sizeof(vic_bucket6), "vic_bucket6"},
      {"vic_hints4", BPF_MAP_TYPE_ARRAY, sizeof(vic_hints), "vic_hints"},
      {"vic_hints6", BPF_MAP_TYPE_ARRAY, sizeof(vic_hints), "vic_hints"},
      {"vic_slots4", BPF_MAP_TYPE_ARRAY, sizeof(vic_slot4), "vic_slot4"},
      {"vic_slots6", BPF_MAP_TYPE_ARRAY, sizeof(vic_slot6), "vic_slot6"},
      {"vic_aliases4", BPF_MAP_TYPE_ARRAY, sizeof(vic_alias), "vic_alias"},
      {"vic_aliases6", BPF_MAP_TYPE_ARRAY, sizeof(vic_alias), "vic_alias"},
      {"vic_services", BPF_MAP_TYPE_ARRAY, sizeof(vic_service), "vic_service"},
      {"vic_choices", BPF_MAP_TYPE_ARRAY, sizeof(vic_line), "vic_line"},
      {"vic_active", BPF_MAP_TYPE_ARRAY, sizeof(__u64), "__u64"},
      {"vic_watched", BPF_MAP_TYPE_ARRAY, sizeof(vic_watched), "vic_watched"},
      {"vic_notes", BPF_MAP_TYPE_ARRAY, sizeof(vic_note_line), "vic_note_line"},
      {"vic_affinities", BPF_MAP_TYPE_LRU_HASH, sizeof(vic_affinity), "vic_affinity"},
      {"vic_counted", BPF_MAP_TYPE_SK_STORAGE, sizeof(vic_counted), "vic_counted"},
      {"vic_ejections", BPF_MAP_TYPE_ARRAY, sizeof(vic_ejection), "vic_ejection"},
      {"vic_context", BPF_MAP_TYPE_ARRAY, sizeof(vic_context), "vic_context"},
      {"vic_counters", BPF_MAP_TYPE_ARRAY, sizeof(__u64), "__u64"},
      {"vic_outcomes", BPF_MAP_TYPE_PERCPU_ARRAY, sizeof(vic_outcomes), "vic_outcomes"},
      {"vic_pods", BPF_MAP_TYPE_HASH, sizeof(vic_pod), "vic_pod"},
      {"vic_ranges4", BPF_MAP_TYPE_LPM_TRIE, sizeof(__u32), "__u32"},
      {"vic_ranges6", BPF_MAP_TYPE_LPM_TRIE, sizeof(__u32), "__u32"},
      {"vic_events", BPF_MAP_TYPE_RINGBUF, 0, ""},
      {"vic_origins", BPF_MAP_TYPE_HASH, sizeof(vic_origin), "vic_origin"},
      {"vic_pairs", BPF_MAP_TYPE_HASH, sizeof(vic_pair), "vic_pair"},
      {"vic_mptcp_origins", BPF_MAP_TYPE_SK_STORAGE, sizeof(vic_origin), "vic_origin"},
      {"vic_doomed", BPF_MAP_TYPE_HASH, sizeof(vic_doom), "vic_doom"},
      {"vic_traces", BPF_MAP_TYPE_RINGBUF, 0, ""},
      {"vic_refusals", BPF_MAP_TYPE_ARRAY, sizeof(__u64), "__u64"},
      {"vic_trace_state", BPF_MAP_TYPE_ARRAY, sizeof(vic_trace_state), "vic_trace_state"},
      {"vic_grace", BPF_MAP_TYPE_ARRAY_OF_MAPS, sizeof(uint32_t), ""},
  };
  std::set<std::string> expected(dataplane::Object::map_names().begin(),
                                 dataplane::Object::map_names().end());
  for (const MapRow& row : rows) {
    SCOPED_TRACE(row.name);
    expected.erase(row.name);
    const bpf_map* map = bpf_object__find_map_by_name(object_.get(), row.name.c_str());
    ASSERT_NE(map, nullptr);
    EXPECT_EQ(bpf_map__type(map), row.type);
    EXPECT_EQ(bpf_map__value_size(map), row.value_size);
    if (row.value_type.empty()) continue;
    EXPECT_NE(bpf_map__btf_key_type_id(map), 0u);
    const btf_type* value = btf__type_by_id(types_, bpf_map__btf_value_type_id(map));
    ASSERT_NE(value, nullptr);
    EXPECT_EQ(name_at(value->name_off), row.value_type);
  }
  EXPECT_TRUE(expected.empty()) << "no row for " << *expected.begin();
}

TEST_F(Abi, EveryMapOfOursIsNamedSo) {
  const bpf_map* map = nullptr;
  bpf_object__for_each_map(map, object_.get()) {
    const std::string name = bpf_map__name(map);
    EXPECT_TRUE(name.starts_with("vic_") || name.ends_with(".rodata")) << name;
  }
}

TEST(AbiOutcomes, AreIndexedInTheOrderOfTheirMembers) {
  const std::map<size_t, size_t> rows = {
      {offsetof(vic_outcomes, translated), VIC_OUTCOME_TRANSLATED},
      {offsetof(vic_outcomes, not_a_service), VIC_OUTCOME_NOT_A_SERVICE},
      {offsetof(vic_outcomes, refused_empty), VIC_OUTCOME_REFUSED_EMPTY},
      {offsetof(vic_outcomes, passed_empty), VIC_OUTCOME_PASSED_EMPTY},
      {offsetof(vic_outcomes, passed_passthrough), VIC_OUTCOME_PASSED_PASSTHROUGH},
      {offsetof(vic_outcomes, unknown_port_passed), VIC_OUTCOME_UNKNOWN_PORT_PASSED},
      {offsetof(vic_outcomes, unknown_port_refused), VIC_OUTCOME_UNKNOWN_PORT_REFUSED},
      {offsetof(vic_outcomes, lease_expired), VIC_OUTCOME_LEASE_EXPIRED},
      {offsetof(vic_outcomes, own_socket), VIC_OUTCOME_OWN_SOCKET},
      {offsetof(vic_outcomes, internal_error), VIC_OUTCOME_INTERNAL_ERROR},
      {offsetof(vic_outcomes, unrecorded), VIC_OUTCOME_UNRECORDED},
      {offsetof(vic_outcomes, passed_waypoint), VIC_OUTCOME_PASSED_WAYPOINT},
      {offsetof(vic_outcomes, opted_out), VIC_OUTCOME_OPTED_OUT},
      {offsetof(vic_outcomes, captured), VIC_OUTCOME_CAPTURED},
      {offsetof(vic_outcomes, host_network), VIC_OUTCOME_HOST_NETWORK},
      {offsetof(vic_outcomes, kernel_socket), VIC_OUTCOME_KERNEL_SOCKET},
  };
  EXPECT_EQ(rows.size(), size_t{VIC_OUTCOME_COUNT});
  for (const auto& [offset, outcome] : rows) EXPECT_EQ(offset, outcome * sizeof(__u64));
}

}  // namespace
}  // namespace vicinity::testing
