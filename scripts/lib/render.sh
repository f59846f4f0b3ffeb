#!/usr/bin/env bash
# render [--check]: writes what follows from the chart and from vicinityd's settings: the settings in
# values.schema.json, deploy/vicinity.yaml and deploy/vicinity-uninstall.yaml. With --check it only
# says what differs.
set -euo pipefail
# shellcheck source=scripts/lib/common.sh
source "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/common.sh"
# shellcheck source=scripts/lib/tools.sh
source "$VIC_LIB/tools.sh"

chart=$VIC_ROOT/deploy/helm/vicinity
check=${1:-}
status=0

manifest() {
  printf '# %s\n' "$1" 'Rendered from deploy/helm/vicinity by scripts/dev render: not to be edited.'
  cat <<'YAML'
---
apiVersion: v1
kind: Namespace
metadata:
  name: vicinity-system
  labels:
    # The host's network, its cgroup and bpffs, and CAP_BPF are outside of the other levels.
    pod-security.kubernetes.io/enforce: privileged
    istio.io/dataplane-mode: none
YAML
  "$(tool helm)" template vicinity "$chart" --namespace vicinity-system \
    --kube-version "$VIC_KUBE_VERSION" --no-hooks "${@:2}"
}

put() {
  local file=$1 fresh
  fresh=$(mktemp)
  cat >"$fresh"
  if [[ $check != --check ]]; then
    cp "$fresh" "$VIC_ROOT/$file"
  elif ! diff -u "$VIC_ROOT/$file" "$fresh"; then
    say "$file is not what the chart renders: scripts/dev render"
    status=1
  fi
  rm -f "$fresh"
}

python3 "$VIC_LIB/chart_schema.py" ${check:+"$check"} || status=1
manifest 'Vicinity with its default settings: kubectl apply -f this file.' | put deploy/vicinity.yaml
manifest 'Removes Vicinity from every node: apply, wait for the rollout, then delete -f this file.' \
  --set uninstall=true | put deploy/vicinity-uninstall.yaml
exit "$status"
