#include "dataplane/choice_view.h"

#include "compile/choices.h"

namespace vicinity::dataplane {

const vic_choice_head& choice_head(std::span<const vic_line> block) {
  return *reinterpret_cast<const vic_choice_head*>(block.data());
}

std::span<const vic_choice_tier> choice_tiers(std::span<const vic_line> block) {
  const auto* halves = reinterpret_cast<const vic_choice_tier*>(block.data());
  return {halves + 1, choice_head(block).tier_count};
}

std::span<const vic_member> choice_members(std::span<const vic_line> block) {
  const vic_choice_head& head = choice_head(block);
  return {reinterpret_cast<const vic_member*>(&block[head.members]), head.count};
}

bool is_block(std::span<const vic_line> block) {
  if (block.empty()) return false;
  const vic_choice_head& head = choice_head(block);
  const uint64_t heads = (head.tier_count + uint64_t{2}) / 2;
  const uint64_t members = (head.count + uint64_t{VIC_LINE_MEMBERS} - 1) / VIC_LINE_MEMBERS;
  if (head.tier_count > VIC_MAX_TIERS || head.members < heads) return false;
  if (head.members + members > block.size()) return false;
  return compile::choice_checksum(block) == head.checksum;
}

}  // namespace vicinity::dataplane
