#!/usr/bin/env bash
# soak [SECONDS [SEED]]: churn, restarts, kills and faults at random while connections run; fails on a
# wrong or failed connect, on growing memory, on anything left behind. As root.
set -euo pipefail
# shellcheck source=scripts/lib/common.sh
source "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/common.sh"

"$VIC_LIB/build.sh" dev vicinity_soak
as_root "$VIC_ROOT/build/dev/bin/vicinity_soak" "${1:-600}" "${2:-}"
