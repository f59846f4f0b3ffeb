// The parts of a block of vic_choices, where it lies. Stateless.
#pragma once

#include <vicinity/choice.h>

#include <cstdint>
#include <span>

namespace vicinity::dataplane {

// REQUIRES for all of them: is_block().
[[nodiscard]] const vic_choice_head& choice_head(std::span<const vic_line> block);
[[nodiscard]] std::span<const vic_choice_tier> choice_tiers(std::span<const vic_line> block);
[[nodiscard]] std::span<const vic_member> choice_members(
    std::span<const vic_line> block);  // by slot
// nullptr: not watched.
[[nodiscard]] const vic_choice_watch* choice_watch(std::span<const vic_line> block);
// Of slots without load; none when not watched.
[[nodiscard]] std::span<const vic_member> choice_rest(std::span<const vic_line> block);

// Its numbers stay inside it, and what is in it is what was written.
[[nodiscard]] bool is_block(std::span<const vic_line> block);

}  // namespace vicinity::dataplane
