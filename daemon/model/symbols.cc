#include "model/symbols.h"

#include <algorithm>
#include <cstring>

#include "base/strings.h"

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
  const auto id = static_cast<uint32_t>(names_.size());
  names_.push_back(keep(text));
  index_.insert(id);
  recent = id;
  return {id};
}

std::optional<SymbolId> Symbols::find(std::string_view text) const {
  const auto it = index_.find(text);
  if (it == index_.end()) return std::nullopt;
  return SymbolId{*it};
}

std::string_view Symbols::keep(std::string_view text) {
  if (text.size() > free_) {
    free_ = std::max(kChunk, text.size());
    chunks_.push_back(std::make_unique<char[]>(free_));
    chunk_end_ = chunks_.back().get() + free_;
  }
  char* to = chunk_end_ - free_;
  std::ranges::copy(text, to);
  free_ -= text.size();
  return {to, text.size()};
}

}  // namespace vicinity::model
