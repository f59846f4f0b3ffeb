#!/usr/bin/env bash
# Rows for check_layers: FILE INCLUDE ok|bad. Each row is checked in a tree of its own; a line
# starting with + adds a second file to the row above it.
set -euo pipefail
lib=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
failures=0

add() {
  mkdir -p "$tree/$(dirname "$1")"
  printf '#include %s\n' "$2" >>"$tree/$1"
}

expect() {
  local verdict=ok
  "$lib/check_layers" "$tree" >/dev/null || verdict=bad
  [[ $verdict == "$1" ]] && return
  echo "check_layers: expected $1, got $verdict: $2"
  failures=$((failures + 1))
}

while read -r file header verdict; do
  [[ -z $file ]] && continue
  if [[ $file != + ]]; then
    rm -rf "${tree:?}"/*
    add "$file" "$header"
  else
    read -r file header verdict <<<"$header $verdict"
    add "$file" "$header"
  fi
  expect "$verdict" "$file includes $header"
done <<'ROWS'
daemon/model/a.cc "base/ids.h" ok
daemon/model/a.cc "model/b.h" ok
daemon/model/a.cc <vector> ok
daemon/model/a.cc "absl/status/status.h" ok
daemon/model/a.cc "policy/plan.h" bad
daemon/model/a.cc "spdlog/spdlog.h" bad
daemon/model/a.cc <random> bad
daemon/model/a.cc <vicinity/abi.h> bad
daemon/base/a.h "model/workload.h" bad
daemon/compile/a.cc <vicinity/abi.h> ok
daemon/compile/a.cc <xxhash.h> ok
daemon/compile/a.cc "feed/decode.h" bad
daemon/compile/a.cc "proto/workload.pb.h" bad
daemon/compile/a.cc <bpf/libbpf.h> bad
daemon/dataplane/a.cc <bpf/libbpf.h> ok
daemon/dataplane/a.cc "compile/tables.h" ok
daemon/dataplane/a.cc "model/workload.h" bad
daemon/engine.cc <bpf/bpf.h> bad
daemon/engine.cc "dataplane/publisher.h" ok
daemon/engine.cc "feed/xds/client.h" ok
daemon/app.h "engine.h" ok
daemon/main.cc <grpcpp/grpcpp.h> bad
daemon/base/a.h "engine.h" bad
daemon/feed/a.cc "proto/workload.pb.h" ok
daemon/feed/a.cc "feed/xds/client.h" bad
daemon/feed/file/a.cc "feed/decode.h" ok
daemon/feed/file/a.cc "feed/xds/client.h" bad
daemon/feed/file/a.cc <yaml-cpp/yaml.h> ok
daemon/feed/xds/a.cc <yaml-cpp/yaml.h> bad
daemon/feed/xds/stream.cc <grpcpp/grpcpp.h> ok
+ daemon/feed/xds/stream.h <grpcpp/channel.h> ok
+ daemon/feed/xds/other.cc <grpcpp/grpcpp.h> bad
daemon/policy/tree.cc <yaml-cpp/yaml.h> ok
+ daemon/policy/plan.cc <yaml-cpp/yaml.h> bad
daemon/policy/wds/a.cc "policy/istio/plan.h" bad
daemon/policy/a.cc "policy/wds/plan.h" bad
daemon/feed/dns/a.cc <ares.h> ok
daemon/feed/xds/a.cc <ares.h> bad
daemon/telemetry/a.cc <prometheus/registry.h> ok
daemon/admin/a.cc "dataplane/publisher.h" bad
daemon/ctl/a.cc "feed/file/mesh.h" ok
daemon/ctl/a.cc "dataplane/publisher.h" bad
include/vicinity/abi.h <linux/types.h> ok
include/vicinity/abi.h <stdint.h> bad
bpf/a.h <bpf/bpf_helpers.h> ok
bpf/a.h "select.h" ok
bpf/a.h <stdio.h> bad
ROWS
[[ $failures -eq 0 ]]
