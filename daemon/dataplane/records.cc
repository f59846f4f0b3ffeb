#include "dataplane/records.h"

#include <algorithm>
#include <cstring>

namespace vicinity::dataplane {
namespace {

size_t continuations(size_t name_length) {
  if (name_length <= VIC_NAME_CHARS) return 0;
  return (name_length - VIC_NAME_CHARS + VIC_NAME_MORE_CHARS - 1) / VIC_NAME_MORE_CHARS;
}

// Records are shared with readers of other kinds by their index: see abi.h.
vic_service_more& as_more(vic_service& record) {
  return reinterpret_cast<vic_service_more&>(record);
}

}  // namespace

Records::Records(std::span<vic_service> records) : records_(records) {
  for (auto i = static_cast<uint32_t>(records.size()); i-- > 1;) free_.push_back(i);
}

std::optional<uint32_t> Records::allocate() {
  if (free_.empty()) return std::nullopt;
  const uint32_t index = free_.back();
  free_.pop_back();
  records_[index] = {};
  return index;
}

void Records::release(uint32_t index) {
  publish(records_[index].flags, 0);
  free_.push_back(index);
}

vic_service_more& Records::more_at(uint32_t index) const { return as_more(records_[index]); }

bool Records::store_name(vic_service& record, std::string_view name) {
  if (free_.size() < continuations(name.size())) return false;
  record.name_length = static_cast<uint16_t>(name.size());
  const size_t head = std::min<size_t>(name.size(), VIC_NAME_CHARS);
  std::memcpy(record.name, name.data(), head);
  name.remove_prefix(head);
  uint32_t* next = &record.more;
  while (!name.empty()) {
    const auto index = allocate();
    if (!index) return false;
    *next = *index;
    vic_service_more& more = more_at(*index);
    more.flags = VIC_SERVICE_MORE;
    const size_t part = std::min<size_t>(name.size(), VIC_NAME_MORE_CHARS);
    std::memcpy(more.name, name.data(), part);
    name.remove_prefix(part);
    next = &more.more;
  }
  return true;
}

void Records::release_name(const vic_service& record) {
  for (uint32_t index = record.more; index != 0;) {
    const uint32_t next = more_at(index).more;
    release(index);
    index = next;
  }
}

void Records::adopt(const std::vector<bool>& keep) {
  free_.clear();
  for (auto i = static_cast<uint32_t>(records_.size()); i-- > 1;) {
    if (keep[i]) continue;
    publish(records_[i].flags, 0);
    free_.push_back(i);
  }
}

std::string load_name(std::span<vic_service> records, const vic_service& record) {
  const size_t length = record.name_length;
  std::string name(record.name, std::min<size_t>(length, VIC_NAME_CHARS));
  uint32_t index = record.more;
  while (name.size() < length && index != 0 && index < records.size()) {
    const vic_service_more& more = as_more(records[index]);
    if (more.flags != VIC_SERVICE_MORE) break;
    name.append(more.name, std::min<size_t>(length - name.size(), VIC_NAME_MORE_CHARS));
    index = more.more;
  }
  return name;
}

}  // namespace vicinity::dataplane
