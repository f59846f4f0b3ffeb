// The shares of a table's loaded slots as its algorithm needs them: alias columns for draws, whole
// numbers for tables made from them. Pure.
#pragma once

#include <span>

#include "compile/alias.h"
#include "compile/tables.h"

namespace vicinity::compile {

// Fills threshold, other and share of the loaded slots, and `weighted`. REQUIRES: the table's
// algorithm is set, its slots are in order, and the groups are those of the loaded ones, by tier.
void add_shares(PortTable& table, std::span<const ShareGroup> groups);

}  // namespace vicinity::compile
