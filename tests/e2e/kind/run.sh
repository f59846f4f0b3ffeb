#!/usr/bin/env bash
# run.sh [--run prefer-close|current] [--keep] [--plan]: plays scenario.yaml on a kind cluster, with
# kind, kubectl and helm. Needs the image in build/image/vicinity.tar (scripts/dev image).
#   --keep   leave the cluster there afterwards
#   --plan   print what would be run, and run nothing
set -euo pipefail
here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
root=$(readlink -f "$here/../../..")
run=current keep='' plan=''
while [[ $# -gt 0 ]]; do
  case $1 in
    --run) run=$2 && shift ;;
    --keep) keep=yes ;;
    --plan) plan=yes ;;
    *) echo "run.sh: unknown argument $1" >&2 && exit 2 ;;
  esac
  shift
done
version=$(sed -n 's/^project(Vicinity VERSION \([0-9.]*\).*/\1/p' "$root/CMakeLists.txt")
declare -A pin
service='' namespace='' port='' client='' client_node='' requests='' load=''

fail() {
  echo "run.sh: $*" >&2
  exit 1
}

# Runs a command, or prints it. What it reads is printed with it.
do_() {
  if [[ -z $plan ]]; then
    "$@"
  else
    printf '$'
    printf ' %q' "$@"
    printf '\n'
    [[ -t 0 ]] || cat
  fi
}
doing() { do_ "$@" </dev/null; }

# --- the cluster

make_cluster() {
  doing kind create cluster --image "${pin[node-image]}" --config "$here/cluster.yaml" --wait 5m
  doing kind load image-archive "$root/build/image/vicinity.tar" --name ambient
}

# istiod alone: neither ztunnel nor sidecars are needed, and nothing captures the namespace.
install_istio() {
  local charts=https://istio-release.storage.googleapis.com/charts
  doing helm install istio-base base --repo "$charts" --version "${pin[istio]}" \
    --namespace istio-system --create-namespace --wait
  doing helm install istiod istiod --repo "$charts" --version "${pin[istio]}" \
    --namespace istio-system --set profile=ambient --wait
}

install_vicinity() {
  doing kubectl create namespace vicinity-system
  doing kubectl label namespace vicinity-system pod-security.kubernetes.io/enforce=privileged
  doing helm install vicinity "$root/deploy/helm/vicinity" --namespace vicinity-system \
    --set image.repository=localhost/vicinity --set image.tag="$version" \
    --set image.pullPolicy=Never --wait --timeout 5m
  wait_in_sync
}

wait_in_sync() {
  [[ -n $plan ]] && return
  local pod
  for pod in $(kubectl -n vicinity-system get pods -l app.kubernetes.io/component=daemon -o name); do
    retry 60 in_sync "$pod" || fail "$pod: not in sync"
  done
}
in_sync() { kubectl -n vicinity-system exec "$1" -- vicinityctl status | grep -q '^feed *in_sync'; }

retry() {
  local seconds=$1 end
  shift
  end=$((SECONDS + seconds))
  until "$@"; do
    [[ $SECONDS -lt $end ]] || return 1
    sleep 1
  done
}

# The seed document sets topology.kubernetes.io/subzone, which Istio does not read.
label_node() {
  doing kubectl label node "$1" --overwrite "topology.kubernetes.io/region=$2" \
    "topology.kubernetes.io/zone=$3" "topology.kubernetes.io/subzone=$4" "topology.istio.io/subzone=$4"
}

make_service() {
  doing kubectl create namespace "$namespace"
  do_ kubectl apply -n "$namespace" -f - <<YAML
apiVersion: v1
kind: Service
metadata:
  name: $service
  labels: {app: $service, service: $service}
spec:
  selector: {app: $service}
  ports:
    - {name: http, port: $port}
YAML
  do_ kubectl apply -n "$namespace" -f - <<YAML
apiVersion: apps/v1
kind: Deployment
metadata:
  name: $client
spec:
  selector: {matchLabels: {app: $client}}
  template:
    metadata:
      labels: {app: $client}
    spec:
      terminationGracePeriodSeconds: 0
      nodeSelector: {kubernetes.io/hostname: $client_node}
      containers:
        - name: $client
          image: curlimages/curl:8.11.1
          command: [sleep, infinity]
YAML
  doing kubectl rollout status -n "$namespace" "deployment/$client" --timeout 5m
}

# --- actions

act_deploy() {
  do_ kubectl apply -n "$namespace" -f - <<YAML
apiVersion: apps/v1
kind: Deployment
metadata:
  name: $service-$1
  labels: {app: $service, version: $1}
spec:
  selector: {matchLabels: {app: $service, version: $1}}
  template:
    metadata:
      labels: {app: $service, version: $1}
    spec:
      nodeSelector: {kubernetes.io/hostname: $2}
      containers:
        - name: $service
          image: docker.io/istio/examples-helloworld-v1:1.0
          env:
            - {name: SERVICE_VERSION, value: $1}
          ports:
            - containerPort: $port
          readinessProbe:
            httpGet: {path: /health, port: $port}
            periodSeconds: 1
          lifecycle:
            # Serve until every node knows that it goes.
            preStop: {exec: {command: [sleep, "10"]}}
YAML
  doing kubectl rollout status -n "$namespace" "deployment/$service-$1" --timeout 5m
}

act_delete() {
  doing kubectl delete -n "$namespace" "deployment/$service-$1" --wait
  doing kubectl wait -n "$namespace" --for=delete pod -l "version=$1" --timeout 2m
}

act_relabel() {
  doing kubectl label node "$1" --overwrite "topology.kubernetes.io/zone=$2" \
    "topology.kubernetes.io/subzone=$3" "topology.istio.io/subzone=$3"
}

act_policy() {
  local distribution=null internal=Cluster
  case $1 in
    near) distribution="\"${pin[trafficDistribution]}\"" ;;
    local) internal=Local ;;
    none) ;;
    *) fail "no policy $1" ;;
  esac
  doing kubectl patch service -n "$namespace" "$service" --type merge --patch \
    "{\"spec\": {\"trafficDistribution\": $distribution, \"internalTrafficPolicy\": \"$internal\"}}"
}

act_restart() {
  case $1 in
    daemonset)
      doing kubectl rollout restart -n vicinity-system daemonset/vicinity
      doing kubectl rollout status -n vicinity-system daemonset/vicinity --timeout 10m
      ;;
    istiod)
      doing kubectl rollout restart -n istio-system deployment/istiod
      doing kubectl rollout status -n istio-system deployment/istiod --timeout 10m
      ;;
    *) fail "nothing to restart: $1" ;;
  esac
  wait_in_sync
}

act_upgrade() {
  local settings=() setting
  for setting in "$@"; do settings+=(--set "config.$setting"); done
  doing helm upgrade vicinity "$root/deploy/helm/vicinity" --namespace vicinity-system \
    --reuse-values "${settings[@]}"
  doing kubectl rollout status -n vicinity-system daemonset/vicinity --timeout 10m
  wait_in_sync
}

act_uninstall() {
  doing helm upgrade vicinity "$root/deploy/helm/vicinity" --namespace vicinity-system \
    --reuse-values --set uninstall=true
  doing kubectl rollout status -n vicinity-system daemonset/vicinity --timeout 10m
  doing helm uninstall vicinity --namespace vicinity-system --no-hooks --wait
}

# --- requests

in_client() { kubectl exec -n "$namespace" "deployment/$client" -- sh -c "$1"; }
url() { printf 'http://%s.%s.svc.cluster.local:%s/hello' "$service" "$namespace" "$port"; }

# One line per request: "Hello version: V, instance: I", "refused", or "failed N" with curl's status.
ask() {
  in_client "i=0; while [ \$i -lt $1 ]; do
    curl -sS -m 5 $(url) 2>/dev/null; s=\$?
    [ \$s -eq 7 ] && echo refused; [ \$s -ne 0 ] && [ \$s -ne 7 ] && echo failed \$s
    i=\$((i + 1)); done"
}

start_load() {
  doing in_client "rm -f /tmp/stop /tmp/bad /tmp/ok"
  [[ -n $plan ]] && return
  in_client "while [ ! -e /tmp/stop ]; do
    if curl -sS -m 5 $(url) >/dev/null 2>&1; then echo >>/tmp/ok; else echo \$? >>/tmp/bad; fi; done" &
  load=$!
}

stop_load() {
  doing in_client "touch /tmp/stop"
  [[ -n $plan ]] && return
  wait "$load"
  in_client '[ -s /tmp/ok ] && [ ! -s /tmp/bad ]' || fail "requests failed under load"
}

# Versions with their counts, and "refused" and "failed" with theirs.
tally() { sed -n 's/^Hello version: \([^,]*\),.*/\1/p; s/^\(refused\|failed\).*/\1/p' | sort | uniq -c; }

seen() { ask 20 | tally | awk '{ print $2 }' | paste -sd,; }
sees() { [[ $(seen) == "$1" ]]; }
answers_somebody() { [[ ! $(seen) =~ refused|failed ]]; }

# Every answer within five standard deviations of an equal share, and none that is not named.
shares_are_even() {
  awk -v wanted="$1" -v requests="$requests" '
    BEGIN { count = split(wanted, names, ","); for (i in names) expected[names[i]] = 1 }
    { got[$2] = $1; if (!($2 in expected)) { print "not expected: " $2; bad = 1 } }
    END {
      mean = requests / count; limit = 5 * sqrt(mean * (1 - 1 / count))
      for (name in expected)
        if (got[name] - mean > limit || mean - got[name] > limit) { print name ": " got[name] + 0; bad = 1 }
      exit bad
    }'
}

expect() {
  local outcome=$1 wanted
  wanted=$(tr ',' '\n' <<<"${2:-}" | sort | paste -sd,)
  [[ -n $plan ]] && echo "? $outcome $wanted" && return
  case $outcome in
    answered)
      retry 60 sees "$wanted" || fail "answered by $(seen), not $wanted"
      ask "$requests" | tally | shares_are_even "$wanted" || fail "shares"
      ;;
    refused)
      retry 60 sees refused || fail "not refused: $(seen)"
      [[ $(ask "$requests" | tally | awk '{ print $2 }') == refused ]] || fail "not all refused"
      ;;
    unbalanced)
      answers_somebody || fail "requests fail without Vicinity"
      ;;
    *) fail "no outcome $outcome" ;;
  esac
}

# --- the scenario

finish() {
  if [[ -z $plan && -z $keep ]]; then kind delete cluster --name ambient; fi
}

# Before the first step.
set_up() {
  make_cluster
  local name
  for name in "${!node[@]}"; do echo "$name"; done | sort | while read -r name; do
    # shellcheck disable=SC2086  # three words
    label_node "$name" ${node[$name]}
  done
  install_istio
  install_vicinity
  make_service
}

declare -A node
under_load=no started=''
while IFS=$'\t' read -r -a words <&3; do
  set -- "${words[@]:1}"
  case ${words[0]} in
    pin) pin[$1]=$2 ;;
    service) namespace=$1 service=$2 port=$3 ;;
    client) client=$1 client_node=$2 ;;
    requests) requests=$1 ;;
    node) node[$1]="$2 $3 $4" ;;
    step)
      if [[ -z $started ]]; then
        started=yes
        [[ -n $plan ]] || trap finish EXIT
        set_up
      fi
      under_load=$2
      echo "== $1: $3"
      if [[ $under_load == yes ]]; then start_load; fi
      ;;
    act) "act_$1" "${@:2}" ;;
    expect)
      expect "$@"
      if [[ $under_load == yes ]]; then stop_load; fi
      ;;
    *) fail "steps.py said ${words[0]}" ;;
  esac
done 3< <(python3 "$here/steps.py" "$here/scenario.yaml" "$run" || echo "failed")
[[ -n $started ]] || fail "no step"
echo "== passed: $run"
