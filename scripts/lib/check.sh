#!/usr/bin/env bash
# check: test, and what takes longer: clang-tidy over everything, sanitizers.
set -euo pipefail
# shellcheck source=scripts/lib/common.sh
source "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/common.sh"

failed=()
run() { timed "$@" || failed+=("$1"); }

native='^(unit|golden|contract|property|bpf)$'

asan() {
  "$VIC_LIB/build.sh" asan vic_tests_native && "$VIC_LIB/run_tests.sh" asan -L "$native"
}

# gRPC is not built with TSan: without the tests that speak it. The session above the stream has a
# transport of its own in tests, and the queue in which admin requests wait a test without a socket.
tsan() {
  local grpc='^(xds_grpc_test|devcp_test|devcp_recording_test\.Console|admin_test|vic_fuzz_admin)'
  "$VIC_LIB/build.sh" tsan vic_tests_native && "$VIC_LIB/tsan_mutex.sh" &&
    LD_LIBRARY_PATH="$VIC_ROOT/build/tsan/mutex" "$VIC_LIB/run_tests.sh" tsan -L "$native" -E "$grpc"
}

"$VIC_LIB/setup.sh" packages-check.txt
run test "$VIC_LIB/test.sh"
run tidy "$VIC_LIB/tidy.sh" all
run asan asan
run tsan tsan
run vm-6.1 "$VIC_LIB/vm.sh" 6.1
run fuzz "$VIC_LIB/fuzz.sh" 5
run soak "$VIC_LIB/soak.sh" 60
run bench "$VIC_LIB/bench.sh" --quick
run deploy "$VIC_LIB/check_deploy.sh"
if [[ ${#failed[@]} -gt 0 ]]; then
  say "check FAILED: ${failed[*]}"
  exit 1
fi
say "check passed"
