#!/usr/bin/env bash
# kernel [CTEST ARGUMENT...]: only the tests that load programs into this kernel.
set -euo pipefail
# shellcheck source=scripts/lib/common.sh
source "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/common.sh"

"$VIC_LIB/build.sh" dev vic_tests_kernel
exec "$VIC_LIB/run_tests.sh" dev -L '^kernel$' "$@"
