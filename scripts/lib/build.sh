#!/usr/bin/env bash
# build [PRESET [TARGET...]]: configures (when there is nothing yet or the presets changed; ninja
# repeats it for everything else) and builds.
set -euo pipefail
# shellcheck source=scripts/lib/common.sh
source "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/common.sh"

preset=${1:-dev}
[[ $# -gt 0 ]] && shift
"$VIC_LIB/setup.sh"
cd "$VIC_ROOT"
if [[ ! build/$preset/build.ninja -nt CMakePresets.json ]]; then
  cmake --preset "$preset"
fi
exec ninja -C "build/$preset" "$@"
