#include "feed/xds/version_store.h"

#include <fmt/format.h>

#include <charconv>
#include <optional>

#include "base/strings.h"

namespace vicinity::feed::xds {
namespace {

uint64_t key_of(std::string_view name) { return base::StringHash()(name); }

// The number that `version` is the one way to write in lower-case hex.
std::optional<uint64_t> parse_hex(std::string_view version) {
  if (version.empty() || version.size() > 16 || version.front() == '0') return std::nullopt;
  if (version.find_first_not_of("0123456789abcdef") != std::string_view::npos) return std::nullopt;
  uint64_t value = 0;
  std::from_chars(version.data(), version.data() + version.size(), value, 16);
  return value;
}

}  // namespace

VersionStore::Sighting VersionStore::sight(std::string_view name, std::string_view version) {
  const uint64_t key = key_of(name);
  const auto found = entries_.find(key);
  sighted_ = {.key = key, .entry = found == entries_.end() ? nullptr : &found->second};
  if (sighted_.entry == nullptr) return {};
  Entry& entry = *sighted_.entry;
  const Sighting sighting{
      .before = entry.mark,
      .known = true,
      .same_version = entry.kind != Kind::kNone && text(key, entry) == version,
  };
  set_mark(entry, Mark::kSeen);
  return sighting;
}

void VersionStore::record(std::string_view name, std::string_view version) {
  const uint64_t key = key_of(name);
  const bool is_sighted = sighted_.entry != nullptr && sighted_.key == key;
  Entry& entry = is_sighted ? *sighted_.entry : entries_[key];
  sighted_ = {};
  set_mark(entry, Mark::kSeen);
  if (entry.kind == Kind::kText) texts_.erase(key);
  entry.kind = Kind::kNone;
  if (version.empty()) return;
  if (const auto hex = parse_hex(version)) {
    entry.kind = Kind::kHex;
    entry.hex = *hex;
    return;
  }
  entry.kind = Kind::kText;
  texts_[key] = version;
}

void VersionStore::expect(size_t resources) {
  sighted_ = {};
  if (entries_.empty()) entries_.reserve(resources);
}

void VersionStore::erase(std::string_view name) {
  sighted_ = {};
  const auto found = entries_.find(key_of(name));
  if (found == entries_.end()) return;
  set_mark(found->second, Mark::kSeen);
  if (found->second.kind == Kind::kText) texts_.erase(found->first);
  entries_.erase(found);
}

void VersionStore::expect_all() {
  for (auto& [key, entry] : entries_) entry.mark = Mark::kPending;
  pending_ = static_cast<ptrdiff_t>(entries_.size());
  claimed_ = 0;
}

void VersionStore::claim(std::string_view name) {
  sighted_ = {};
  set_mark(entries_[key_of(name)], Mark::kClaimed);
}

std::string VersionStore::version(std::string_view name) const {
  const auto found = entries_.find(key_of(name));
  return found == entries_.end() ? std::string() : text(found->first, found->second);
}

VersionStore::Mark VersionStore::mark_of(std::string_view name) const {
  const auto found = entries_.find(key_of(name));
  return found == entries_.end() ? Mark::kSeen : found->second.mark;
}

void VersionStore::set_mark(Entry& entry, Mark mark) {
  count(entry.mark, -1);
  entry.mark = mark;
  count(mark, 1);
}

void VersionStore::count(Mark mark, ptrdiff_t difference) {
  if (mark == Mark::kPending) pending_ += difference;
  if (mark == Mark::kClaimed) claimed_ += difference;
}

std::string VersionStore::text(uint64_t key, const Entry& entry) const {
  switch (entry.kind) {
    case Kind::kHex:
      return fmt::format("{:x}", entry.hex);
    case Kind::kText:
      return texts_.at(key);
    case Kind::kNone:
      break;
  }
  return {};
}

}  // namespace vicinity::feed::xds
