// What to say about documents that no policy source claims. Pure.
#pragma once

#include "policy/fields.h"
#include "policy/tree.h"

namespace vicinity::policy::book {

// Kubernetes' own kinds, which often stand beside policies in one file, are a warning; what is not
// known at all is an error, for it may be a policy with a misspelt kind.
void diagnose_foreign(const Node& root, Diagnostics& out);

}  // namespace vicinity::policy::book
