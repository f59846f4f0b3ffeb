#!/usr/bin/env bash
# build [PRESET [TARGET...]]: configures (once; ninja repeats it when needed) and builds.
set -euo pipefail
# shellcheck source=scripts/lib/common.sh
source "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/common.sh"

preset=${1:-dev}
[[ $# -gt 0 ]] && shift
"$VIC_LIB/setup.sh"
cd "$VIC_ROOT"
if [[ ! -f build/$preset/build.ninja ]]; then
  cmake --preset "$preset"
fi
exec ninja -C "build/$preset" "$@"
