#!/usr/bin/env bash
# demo [ARGUMENT...]: the walk-through, for a person to watch. As root.
set -euo pipefail
# shellcheck source=scripts/lib/common.sh
source "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/common.sh"

"$VIC_LIB/build.sh" dev vicinity_demo
as_root "$VIC_ROOT/build/dev/bin/vicinity_demo" "$@"
