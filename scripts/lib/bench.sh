#!/usr/bin/env bash
# bench connect [ARGUMENT...]: cost of a connect and of filling the tables, in one run. As root.
# bench control [ARGUMENT...]: cost of following a large mesh. As root.
# bench failure [ARGUMENT...]: cost of failure detection, and how many connects fail when endpoints do.
set -euo pipefail
# shellcheck source=scripts/lib/common.sh
source "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/common.sh"

name=${1:-}
[[ $name =~ ^(connect|control|failure)$ ]] || die "bench: which one? (connect, control, failure)"
shift
"$VIC_LIB/build.sh" dev "bench_$name" vicinityd vicinityctl
as_root "$VIC_ROOT/build/dev/bin/bench_$name" "$@"
[[ $name == failure ]] || exit 0
"$VIC_LIB/build.sh" dev bench_judge
"$VIC_ROOT/build/dev/bin/bench_judge"
