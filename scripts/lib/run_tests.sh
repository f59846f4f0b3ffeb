#!/usr/bin/env bash
# run_tests.sh PRESET [CTEST ARGUMENT...]: runs built tests as root (network namespaces, cgroups
# and BPF need it). Ends with ctest's own summary.
set -euo pipefail
# shellcheck source=scripts/lib/common.sh
source "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/common.sh"

preset=$1
shift
[[ -d $VIC_ROOT/../shared ]] || cat >&2 <<'TEXT'
**********************************************************************************************
* ../shared is not there: tests that read it are skipped. Their counterparts in tests/data run. *
**********************************************************************************************
TEXT

ctest=(ctest --test-dir "$VIC_ROOT/build/$preset" --output-on-failure --no-tests=error
  -j "$(nproc)" "$@")
if [[ $EUID -eq 0 ]]; then
  exec "${ctest[@]}"
fi
# Discovery as the user, so that no file in the build folder belongs to root.
ctest --test-dir "$VIC_ROOT/build/$preset" -N >/dev/null
status=0
as_root "${ctest[@]}" || status=$?
as_root chown -R "$(id -u):$(id -g)" "$VIC_ROOT/build/$preset/Testing"
exit "$status"
