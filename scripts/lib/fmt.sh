#!/usr/bin/env bash
# fmt: formats the sources in place.
set -euo pipefail
# shellcheck source=scripts/lib/common.sh
source "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/common.sh"

"$VIC_LIB/setup.sh"
cd "$VIC_ROOT"
sources '*.cc' '*.h' '*.c' '*.proto' | xargs -0 -r -n 20 -P "$(nproc)" clang-format-19 -i
