#include "model/symbols.h"

#include "base/strings.h"

namespace vicinity::model {

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
  if (const auto known = find(text)) return *known;
  const auto id = static_cast<uint32_t>(names_.size());
  names_.emplace_back(text);
  index_.insert(id);
  return {id};
}

std::optional<SymbolId> Symbols::find(std::string_view text) const {
  const auto it = index_.find(text);
  if (it == index_.end()) return std::nullopt;
  return SymbolId{*it};
}

}  // namespace vicinity::model
