#include "dataplane/generation.h"

#include <bpf/bpf.h>
#include <linux/bpf.h>

#include <utility>

#include "base/status.h"

namespace vicinity::dataplane {

namespace {

uint32_t entries_of(int map) {
  bpf_map_info info = {};
  uint32_t size = sizeof(info);
  return bpf_obj_get_info_by_fd(map, &info, &size) == 0 ? info.max_entries : 0;
}

}  // namespace

absl::StatusOr<MappedTables> map_tables(const std::map<std::string, int>& fds, Access access) {
  MappedTables tables;
  const auto map = [&](const std::string& name) -> absl::StatusOr<const MappedMap*> {
    const auto fd = fds.find(name);
    if (fd == fds.end()) return base::internal("map {}: not there", name);
    VIC_ASSIGN_OR_RETURN(MappedMap mapped, MappedMap::map(fd->second, access));
    tables.maps.push_back(std::move(mapped));
    return &tables.maps.back();
  };
  tables.maps.reserve(Object::map_names().size());
  Memory& memory = tables.memory;
  VIC_ASSIGN_OR_RETURN(const MappedMap* config, map("vic_config"));
  memory.config = config->as<vic_config>();
  VIC_ASSIGN_OR_RETURN(const MappedMap* frontends4, map("vic_frontends4"));
  VIC_ASSIGN_OR_RETURN(const MappedMap* frontends6, map("vic_frontends6"));
  memory.frontends = {frontends4->as<__u64>(), frontends6->as<__u64>()};
  VIC_ASSIGN_OR_RETURN(const MappedMap* hints4, map("vic_hints4"));
  VIC_ASSIGN_OR_RETURN(const MappedMap* hints6, map("vic_hints6"));
  memory.hints = {hints4->as<vic_hints>(), hints6->as<vic_hints>()};
  VIC_ASSIGN_OR_RETURN(const MappedMap* slots4, map("vic_slots4"));
  memory.slots4 = slots4->as<vic_slot4>();
  VIC_ASSIGN_OR_RETURN(const MappedMap* slots6, map("vic_slots6"));
  memory.slots6 = slots6->as<vic_slot6>();
  VIC_ASSIGN_OR_RETURN(const MappedMap* aliases4, map("vic_aliases4"));
  VIC_ASSIGN_OR_RETURN(const MappedMap* aliases6, map("vic_aliases6"));
  memory.aliases = {aliases4->as<vic_alias>(), aliases6->as<vic_alias>()};
  VIC_ASSIGN_OR_RETURN(const MappedMap* services, map("vic_services"));
  memory.services = services->as<vic_service>();
  VIC_ASSIGN_OR_RETURN(const MappedMap* choices, map("vic_choices"));
  memory.choices = choices->as<vic_line>();
  VIC_ASSIGN_OR_RETURN(const MappedMap* active, map("vic_active"));
  memory.active = active->as<__u64>();
  VIC_ASSIGN_OR_RETURN(const MappedMap* watched, map("vic_watched"));
  memory.watched = watched->as<vic_watched>();
  VIC_ASSIGN_OR_RETURN(const MappedMap* context, map("vic_context"));
  memory.context = context->as<vic_context>();
  VIC_ASSIGN_OR_RETURN(const MappedMap* ejections, map("vic_ejections"));
  memory.ejections = ejections->as<vic_ejection>();
  VIC_ASSIGN_OR_RETURN(const MappedMap* counters, map("vic_counters"));
  memory.counters = counters->as<__u64>();
  return tables;
}

absl::StatusOr<std::unique_ptr<Generation>> Generation::load(uint32_t number,
                                                             const LoadPlan& plan) {
  VIC_ASSIGN_OR_RETURN(Object object, Object::load(plan));
  return of(number, std::move(object));
}

absl::StatusOr<std::unique_ptr<Generation>> Generation::open(const GenerationPin& pin,
                                                             const LoadPlan& plan) {
  VIC_ASSIGN_OR_RETURN(Object object, Object::open(pin.path, plan));
  return of(pin.number, std::move(object));
}

absl::StatusOr<std::unique_ptr<Generation>> Generation::of(uint32_t number, Object object) {
  auto generation = std::make_unique<Generation>();
  generation->number_ = number;
  generation->object_ = std::move(object);
  VIC_ASSIGN_OR_RETURN(MappedTables tables, map_tables(generation->map_fds(), Access::kReadWrite));
  generation->maps_ = std::move(tables.maps);
  generation->memory_ = tables.memory;
  generation->affinities_ = entries_of(generation->object_.map_fd("vic_affinities"));
  return generation;
}

Sizes Generation::sizes() const {
  Sizes sizes;
  sizes.records = static_cast<uint32_t>(memory_.services.size());
  sizes.choice_lines = static_cast<uint32_t>(memory_.choices.size());
  sizes.watched = static_cast<uint32_t>(memory_.watched.size());
  sizes.affinities = affinities_;
  for (const model::Family family : kFamilies) {
    const auto aliased = static_cast<uint32_t>(memory_.aliases[index_of(family)].size());
    sizes.families[index_of(family)] = {
        .plain_slots = slots_in(memory_, family) - aliased,
        .aliased_slots = aliased,
        .buckets = static_cast<uint32_t>(memory_.frontends[index_of(family)].size() /
                                         VIC_BUCKET_WORDS / 2)};
  }
  return sizes;
}

uint64_t Generation::bytes() const {
  uint64_t bytes = 0;
  for (const MappedMap& map : maps_) bytes += map.bytes();
  return bytes;
}

std::map<std::string, int> Generation::map_fds() const {
  std::map<std::string, int> fds;
  for (const std::string& name : Object::map_names()) fds.emplace(name, object_.map_fd(name));
  return fds;
}

std::map<std::string, int> Generation::shared_map_fds() const {
  std::map<std::string, int> fds;
  for (const std::string& name : Object::shared_map_names()) {
    fds.emplace(name, object_.map_fd(name));
  }
  return fds;
}

}  // namespace vicinity::dataplane
