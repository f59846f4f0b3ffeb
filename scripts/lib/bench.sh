#!/usr/bin/env bash
# bench connect [ARGUMENT...]: cost of a connect and of filling the tables, in one run. As root.
set -euo pipefail
# shellcheck source=scripts/lib/common.sh
source "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/common.sh"

name=${1:-}
[[ $name == connect ]] || die "bench: which one? (connect)"
shift
"$VIC_LIB/build.sh" dev "bench_$name"
as_root "$VIC_ROOT/build/dev/bin/bench_$name" "$@"
