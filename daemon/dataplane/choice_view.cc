#include "dataplane/choice_view.h"

#include "compile/choices.h"

namespace vicinity::dataplane {
namespace {

uint64_t member_lines(uint64_t members) {
  return (members + VIC_LINE_MEMBERS - 1) / VIC_LINE_MEMBERS;
}

// The watch and its members stay inside the block.
bool has_plausible_watch(std::span<const vic_line> block) {
  const vic_choice_head& head = choice_head(block);
  const uint64_t behind = head.members + member_lines(head.count);
  if ((head.flags & VIC_CHOICE_WATCHED) == 0) return true;
  if (behind >= block.size()) return false;
  return behind + 1 + member_lines(choice_watch(block)->rest_count) <= block.size();
}

}  // namespace

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

const vic_choice_watch* choice_watch(std::span<const vic_line> block) {
  const vic_choice_head& head = choice_head(block);
  if ((head.flags & VIC_CHOICE_WATCHED) == 0) return nullptr;
  return reinterpret_cast<const vic_choice_watch*>(&block[head.members + member_lines(head.count)]);
}

std::span<const vic_member> choice_rest(std::span<const vic_line> block) {
  const vic_choice_watch* watch = choice_watch(block);
  if (watch == nullptr) return {};
  return {reinterpret_cast<const vic_member*>(watch + 1), watch->rest_count};
}

bool is_block(std::span<const vic_line> block) {
  if (block.empty()) return false;
  const vic_choice_head& head = choice_head(block);
  const uint64_t heads = (head.tier_count + uint64_t{2}) / 2;
  if (head.tier_count > VIC_MAX_TIERS || head.members < heads) return false;
  if (head.members + member_lines(head.count) > block.size()) return false;
  if (!has_plausible_watch(block)) return false;
  return compile::choice_checksum(block) == head.checksum;
}

}  // namespace vicinity::dataplane
