#!/usr/bin/env bash
# bench [--quick]: every benchmark, and docs/benchmarks.md with its pictures from the results, which
#   stay in build/bench. At most a quarter of an hour. A mesh of a million workloads is left out
#   where there is no room for it (8 GB). --quick tries it all and leaves docs/ alone.
# bench connect [ARGUMENT...]: cost of a connect and of filling the tables, in one run. As root.
# bench lines [ARGUMENT...]: cache lines and pages that a connect touches. As root.
# bench control [ARGUMENT...]: cost of following a large mesh. As root.
# bench failure [ARGUMENT...]: cost of failure detection, and how many connects fail when endpoints do.
# bench peers [ARGUMENT...]: what other balancers do badly under change, here. As root.
set -euo pipefail
# shellcheck source=scripts/lib/common.sh
source "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/common.sh"

bin=$VIC_ROOT/build/dev/bin
results=$VIC_ROOT/build/bench
sketch=(--object "$VIC_ROOT/build/dev/tests/bench/bench_sketch.o" --fill "$bin/bench_sketch_fill")

run_one() {
  local name=$1
  shift
  "$VIC_LIB/build.sh" dev "bench_$name" vicinityd vicinityctl
  as_root "$bin/bench_$name" "$@"
  [[ $name == failure ]] || return 0
  "$VIC_LIB/build.sh" dev bench_judge
  "$bin/bench_judge"
}

# What it prints goes to a file too.
keep() {
  local name=$1
  shift
  timed "$name" as_root "$bin/bench_$name" "$@" | tee "$results/$name.out"
  # Without what `timed` says.
  grep -v '^== ' "$results/$name.out" >"$results/$name.txt"
  rm "$results/$name.out"
}

# For a million workloads, as bytes of their feed and in vicinityd.
has_room() {
  awk '/^MemAvailable:/ { available = $2 } END { exit available < 8e6 }' /proc/meminfo ||
    { say "a million workloads: left out, 8 GB are not free" && false; }
}

run_all() {
  local connect=() control=() failure=() peers=() docs=$VIC_ROOT/docs
  case ${1:-} in
    --quick)
      connect=(--quick)
      control=(--size 50x2000 --seconds 1)
      failure=(--rounds 3 --connects 500)
      peers=(--quick)
      docs=$results/docs
      ;;
    "")
      control=(--size 1000x10000 --size 10000x100000)
      if has_room; then control+=(--size 50000x1000000); fi
      ;;
    *) die "bench: which one? (connect, lines, control, failure, peers; none: all)" ;;
  esac
  "$VIC_LIB/build.sh" dev bench_connect bench_lines bench_control bench_failure bench_judge \
    bench_peers bench_document bench_sketch bench_sketch_fill vic_failing_server vicinityd vicinityctl
  local start=$SECONDS
  rm -rf "$results"
  mkdir -p "$results/docs"
  cp "$VIC_ROOT/docs/benchmarks.md" "$results/docs"
  keep connect --json "$results/connect.json" "${sketch[@]}" "${connect[@]}"
  keep lines --json "$results/lines.json"
  keep failure --json "$results/failure.json" "${failure[@]}"
  keep judge "$results/judge.json"
  keep peers --json "$results/peers.json" "${peers[@]}"
  keep control --json "$results/control.json" "${control[@]}"
  "$bin/bench_document" "$results" "$docs"
  say "results: build/bench; document and pictures: ${docs#"$VIC_ROOT"/}; $((SECONDS - start)) s"
}

case ${1:-} in
  connect | lines | control | failure | peers) run_one "$@" ;;
  *) run_all "$@" ;;
esac
