#!/usr/bin/env bash
# test [CTEST ARGUMENT...]: what CI runs. The last line is ctest's summary.
set -euo pipefail
# shellcheck source=scripts/lib/common.sh
source "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/common.sh"

timed setup "$VIC_LIB/setup.sh"
timed build "$VIC_LIB/build.sh" dev
timed lint "$VIC_LIB/lint.sh"
exec "$VIC_LIB/run_tests.sh" dev "$@"
