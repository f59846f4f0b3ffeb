#include "model/symbols.h"

#include <algorithm>
#include <cstring>

#include "base/strings.h"
#include "model/symbol_uses.h"

namespace vicinity::model {
namespace {

// Of the length and eight bytes in the middle and at the end each; 0 to 255.
size_t cheap_hash(std::string_view text) {
  uint64_t middle = 0;
  uint64_t last = 0;
  const size_t size = std::min(text.size(), sizeof(last));
  std::memcpy(&middle, text.data() + (text.size() - size) / 2, size);
  std::memcpy(&last, text.data() + text.size() - size, size);
  return ((last ^ text.size()) * 0x9e3779b97f4a7c15ULL + middle * 0xff51afd7ed558ccdULL) >> 56;
}

}  // namespace

size_t Symbols::Hash::operator()(std::string_view text) const { return base::StringHash()(text); }
size_t Symbols::Hash::operator()(uint32_t id) const { return (*this)((*names)[id]); }

bool Symbols::Equal::operator()(uint32_t left, std::string_view right) const {
  return (*names)[left] == right;
}
bool Symbols::Equal::operator()(std::string_view left, uint32_t right) const {
  return (*this)(right, left);
}

Symbols::Symbols() : index_(0, Hash{&names_}, Equal{&names_}) { intern(""); }

SymbolId Symbols::intern(std::string_view text) {
  uint32_t& recent = recent_[cheap_hash(text)];
  if (recent < names_.size() && names_[recent] == text) return {recent};
  if (const auto known = find(text)) {
    recent = known->value;
    return *known;
  }
  const uint32_t id = next_id();
  names_[id] = keep(text);
  index_.insert(id);
  ++fresh_;
  recent = id;
  return {id};
}

uint32_t Symbols::next_id() {
  if (free_ids_.empty()) {
    names_.emplace_back();
    return static_cast<uint32_t>(names_.size() - 1);
  }
  const uint32_t id = free_ids_.back();
  free_ids_.pop_back();
  return id;
}

std::optional<SymbolId> Symbols::find(std::string_view text) const {
  const auto it = index_.find(text);
  if (it == index_.end()) return std::nullopt;
  return SymbolId{*it};
}

std::string_view Symbols::keep(std::string_view text) {
  char* to = room_for(text);
  std::ranges::copy(text, to);
  return {to, text.size()};
}

char* Symbols::room_for(std::string_view text) {
  const size_t size = steps(text) * kStep;
  const auto freed = free_rooms_.find(steps(text));
  if (freed != free_rooms_.end() && !freed->second.empty()) {
    char* room = freed->second.back();
    freed->second.pop_back();
    return room;
  }
  if (size > free_) {
    free_ = std::max(kChunk, size);
    chunk_bytes_ += free_;
    chunks_.push_back(std::make_unique<char[]>(free_));
    chunk_end_ = chunks_.back().get() + free_;
  }
  char* room = chunk_end_ - free_;
  free_ -= size;
  return room;
}

size_t Symbols::bytes() const {
  size_t rooms = 0;
  for (const auto& [length, list] : free_rooms_) rooms += list.capacity() * sizeof(char*);
  return chunk_bytes_ + rooms + names_.capacity() * sizeof(std::string_view) +
         free_ids_.capacity() * sizeof(uint32_t) +
         index_.capacity() * (sizeof(uint32_t) + 1);  // one byte of control each
}

bool Symbols::is_sweep_due() const { return fresh_ >= std::max(kFewNames, kept_); }

void Symbols::keep_only(const SymbolUses& uses) {
  for (uint32_t id = 1; id < names_.size(); ++id) {
    if (!uses.contains({id})) drop(id);
  }
  recent_ = {};
  kept_ = size();
  fresh_ = 0;
}

// Once more is nothing: a free id has no name, and only the first id has the empty one.
void Symbols::drop(uint32_t id) {
  const std::string_view name = names_[id];
  if (name.empty()) return;
  index_.erase(id);
  free_rooms_[steps(name)].push_back(const_cast<char*>(name.data()));
  names_[id] = {};
  free_ids_.push_back(id);
}

}  // namespace vicinity::model
