#include "dataplane/pods.h"

#include <bpf/bpf.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "base/status.h"

namespace vicinity::dataplane {
namespace {

constexpr uint16_t kLeftAlone = VIC_POD_OPTED_OUT | VIC_POD_CAPTURED;

vic_pod entry_of(uint64_t cookie, const Pod& pod, const PodMap::RealmOf& realm_of) {
  vic_pod entry = {};
  entry.netns_cookie = cookie;
  entry.realm = pod.name_space.empty() ? uint16_t{VIC_REALM_EVERYONE} : realm_of(pod.name_space);
  uint32_t flags = 0;
  if (pod.opted_out) flags |= VIC_POD_OPTED_OUT;
  if (pod.captured) flags |= VIC_POD_CAPTURED;
  if (pod.ipv4) {
    flags |= VIC_POD_ADDRESS4;
    std::memcpy(&entry.address4_be, pod.ipv4->bytes.data(), sizeof(entry.address4_be));
  }
  if (pod.ipv6) {
    flags |= VIC_POD_ADDRESS6;
    std::memcpy(entry.address6_be, pod.ipv6->bytes.data(), sizeof(entry.address6_be));
  }
  entry.flags = static_cast<uint16_t>(flags);
  return entry;
}

bool same(const vic_pod& left, const vic_pod& right) {
  return std::memcmp(&left, &right, sizeof(left)) == 0;
}

}  // namespace

PodMap::PodMap(int fd) : fd_(fd) {
  uint64_t key = 0;
  uint64_t next = 0;
  const uint64_t* at = nullptr;
  while (bpf_map_get_next_key(fd_, at, &next) == 0) {
    vic_pod entry = {};
    if (bpf_map_lookup_elem(fd_, &next, &entry) == 0) entries_.emplace(next, entry);
    key = next;
    at = &key;
  }
}

absl::Status PodMap::set(const Pods& pods, const RealmOf& realm_of) {
  std::vector<uint64_t> gone;
  for (const auto& [cookie, entry] : entries_) {
    if (!pods.contains(cookie)) gone.push_back(cookie);
  }
  for (const uint64_t cookie : gone) {
    bpf_map_delete_elem(fd_, &cookie);
    entries_.erase(cookie);
  }
  absl::Status status;
  for (const auto& [cookie, pod] : pods) {
    const vic_pod entry = entry_of(cookie, pod, realm_of);
    const auto known = entries_.find(cookie);
    if (known != entries_.end() && same(known->second, entry)) continue;
    status.Update(put(entry));
  }
  return status;
}

absl::Status PodMap::put(const vic_pod& entry) {
  if (bpf_map_update_elem(fd_, &entry.netns_cookie, &entry, BPF_ANY) != 0) {
    return base::errno_status(fmt::format("vic_pods: {} pods, one more", entries_.size()));
  }
  entries_.insert_or_assign(entry.netns_cookie, entry);
  return absl::OkStatus();
}

uint16_t PodMap::highest_realm() const {
  uint16_t highest = VIC_REALM_EVERYONE;
  for (const auto& [cookie, entry] : entries_) highest = std::max(highest, entry.realm);
  return highest;
}

bool PodMap::matters() const {
  for (const auto& [cookie, entry] : entries_) {
    if (entry.realm != VIC_REALM_EVERYONE || (entry.flags & kLeftAlone) != 0) return true;
  }
  return false;
}

}  // namespace vicinity::dataplane
