#!/usr/bin/env bash
# mutate [NAME...]: takes out one rule at a time (tests/mutations/NAME.patch) and fails unless a test
# notices. Each patch says which: `Test: BINARY GTEST_FILTER`. The work is done in a scratch copy: an
# overlay over the tree, at the same path in a mount namespace of its own, so that what is built
# already need not be built again and the tree is not touched.
set -euo pipefail
# shellcheck source=scripts/lib/common.sh
source "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/common.sh"

patches=$VIC_ROOT/tests/mutations

header() { sed -n "s/^$1: //p;/^---/q" "$patches/$2.patch" | head -1; }

list() {
  if [[ $# -gt 0 ]]; then
    printf '%s\n' "$@"
  else
    find "$patches" -name '*.patch' -printf '%f\n' | sed 's/\.patch$//' | sort
  fi
}

run_test() {
  local binary=$1 filter=$2
  timeout 300 "build/dev/bin/$binary" "--gtest_filter=$filter" --gtest_brief=1 >"$scratch/test.log" 2>&1
}

# Nobody can tell a mutation from a test that fails anyway.
check_without() {
  local name binary filter failed=0
  mapfile -t binaries < <(for name in "${names[@]}"; do header Test "$name"; done | awk '{ print $1 }' | sort -u)
  ninja -C build/dev "${binaries[@]}" vic_helloworld vic_pod_agent vic_test_publisher >"$scratch/build.log" 2>&1 ||
    { cat "$scratch/build.log"; die "mutate: the tree does not build"; }
  while read -r binary filter; do
    run_test "$binary" "$filter" && continue
    cat "$scratch/test.log"
    echo "mutate: $binary $filter fails without any mutation"
    failed=1
  done < <(for name in "${names[@]}"; do header Test "$name"; done | sort -u)
  [[ $failed -eq 0 ]]
}

# Prints what became of the mutation: killed, SURVIVED, or why it says nothing.
try() {
  local binary filter
  read -r binary filter <<<"$(header Test "$1")"
  if ! git apply -C1 --recount "$patches/$1.patch" 2>"$scratch/apply.log"; then
    echo "DOES NOT APPLY"
    return
  fi
  if ! ninja -C build/dev "$binary" vic_test_publisher >"$scratch/build.log" 2>&1; then
    grep -m1 'error:' "$scratch/build.log" >&2 || true
    echo "DOES NOT BUILD"
  elif run_test "$binary" "$filter"; then
    echo "SURVIVED"
  else
    echo "killed"
  fi
  git apply -R -C1 --recount "$patches/$1.patch"
}

inside() {
  cd "$VIC_ROOT"
  export CI=
  mapfile -t names < <(list "$@")
  check_without
  local name verdict bad=0
  for name in "${names[@]}"; do
    verdict=$(try "$name")
    printf '%-36s %-16s %s\n' "$name" "$verdict" "$(header Rule "$name")"
    [[ $verdict == killed ]] || bad=$((bad + 1))
  done
  say "mutate: $((${#names[@]} - bad)) of ${#names[@]} mutations killed"
  [[ $bad -eq 0 ]]
}

if [[ ${VIC_MUTATE_SCRATCH:-} != "" ]]; then
  scratch=$VIC_MUTATE_SCRATCH
  mount -t overlay overlay -o "lowerdir=$VIC_ROOT,upperdir=$scratch/upper,workdir=$scratch/work" "$VIC_ROOT"
  inside "$@"
  exit
fi
"$VIC_LIB/build.sh" dev vic_pod_agent
scratch=$(mktemp -d "${TMPDIR:-/tmp}/vicinity-mutate-XXXXXX")
trap 'as_root rm -rf "$scratch"' EXIT
mkdir "$scratch/upper" "$scratch/work"
VIC_MUTATE_SCRATCH=$scratch as_root unshare -m "$VIC_LIB/mutate.sh" "$@"
