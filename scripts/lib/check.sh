#!/usr/bin/env bash
# check: test, and what takes longer: clang-tidy over everything, sanitizers.
set -euo pipefail
# shellcheck source=scripts/lib/common.sh
source "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/common.sh"

failed=()
run() { timed "$@" || failed+=("$1"); }

sanitized() {
  "$VIC_LIB/build.sh" "$1" vic_tests_native &&
    "$VIC_LIB/run_tests.sh" "$1" -L '^(unit|golden|contract|property|bpf)$' "${@:2}"
}

"$VIC_LIB/setup.sh" packages-check.txt
run test "$VIC_LIB/test.sh"
run tidy "$VIC_LIB/tidy.sh" all
run asan sanitized asan
# gRPC is not built with TSan; the session above the stream has a transport of its own in tests.
run tsan sanitized tsan -E '^xds_grpc_test\.'
run vm-6.1 "$VIC_LIB/vm.sh" 6.1
run fuzz "$VIC_LIB/fuzz.sh" 5
run soak "$VIC_LIB/soak.sh" 60
run deploy "$VIC_LIB/check_deploy.sh"
if [[ ${#failed[@]} -gt 0 ]]; then
  say "check FAILED: ${failed[*]}"
  exit 1
fi
say "check passed"
