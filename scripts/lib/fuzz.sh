#!/usr/bin/env bash
# fuzz [SECONDS [NAME...]]: runs each fuzz target (tests/fuzz) for that long, from its corpus. What it
# finds on the way stays in build/fuzz/corpus; an input that fails is named and makes the command fail.
set -euo pipefail
# shellcheck source=scripts/lib/common.sh
source "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/common.sh"

seconds=${1:-60}
[[ $# -gt 0 ]] && shift
mapfile -t names < <(if [[ $# -gt 0 ]]; then printf '%s\n' "$@"; else ls "$VIC_ROOT/tests/fuzz/corpus"; fi)
"$VIC_LIB/build.sh" fuzz "${names[@]/#/vic_fuzz_}"
cd "$VIC_ROOT/build/fuzz"
failed=()
for name in "${names[@]}"; do
  mkdir -p "corpus/$name"
  seeds=("$VIC_ROOT/tests/fuzz/corpus/$name")
  [[ $name == mesh_file ]] && seeds+=("$VIC_ROOT/tests/data")
  timed "fuzz $name" "bin/vic_fuzz_$name" -max_total_time="$seconds" -timeout=20 -print_final_stats=1 \
    -rss_limit_mb=4096 -artifact_prefix="corpus/$name-" "corpus/$name" "${seeds[@]}" || failed+=("$name")
done
[[ ${#failed[@]} -eq 0 ]] || die "fuzz: failed: ${failed[*]} (inputs in build/fuzz/corpus)"
