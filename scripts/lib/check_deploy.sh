#!/usr/bin/env bash
# check_deploy [PART...]: what is deployed, by the tools of those who deploy it: chart, manifests,
# workflows, alert rules. Needs the network once, for tools.sh.
set -euo pipefail
# shellcheck source=scripts/lib/common.sh
source "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/common.sh"
# shellcheck source=scripts/lib/tools.sh
source "$VIC_LIB/tools.sh"

chart=deploy/helm/vicinity
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

template() {
  "$(tool helm)" template vicinity "$chart" --namespace vicinity-system \
    --kube-version "$VIC_KUBE_VERSION" "$@"
}

# refused MESSAGE VALUE...: the chart does not take these values, and says why.
refused() {
  local message=$1 said
  shift
  if said=$(template "$@" 2>&1); then
    say "taken, and should not be: $*"
    return 1
  fi
  grep -q -- "$message" <<<"$said" || { printf '%s\n' "$said" && return 1; }
}

# What operators turn on and off; each is linted, validated and read by manifest_test.
variants() {
  template >"$scratch/default.yaml"
  template --set uninstall=true >"$scratch/uninstall.yaml"
  template --set host.mountBpffs.enabled=true --set metrics.enabled=false \
    --set-json 'imagePullSecrets=[{"name":"s"}]' >"$scratch/bpffs.yaml"
  template --set metrics.ipv6=true --set podMonitor.enabled=true --set-json 'podAnnotations={"a":"b"}' \
    --set-json 'config={"counters":false,"max-slots":4194304}' >"$scratch/ipv6.yaml"
  /usr/bin/python3 tests/deploy/chart_values.py >"$scratch/all.json"
  template --values "$scratch/all.json" >"$scratch/all.yaml"
}

check_chart() {
  "$(tool helm)" lint --strict "$chart"
  "$VIC_LIB/render.sh" --check
  variants
  refused "leese" --set config.leese=1m
  refused "log-level" --set config.log-level=loud
  refused "metrics.port" --set metrics.port=0
  refused "imagee" --set imagee.tag=1
  /usr/bin/python3 tests/deploy/manifest_test.py build/dev/bin "$scratch"/*.yaml
  # Every setting that was given is an argument.
  jq -r '.config | keys[]' "$scratch/all.json" | while read -r flag; do
    grep -q -- "\"--$flag=" "$scratch/all.yaml" || { say "--$flag is not rendered" && exit 1; }
  done
  for option in counters=off max-slots=4194304 "metrics-address=\["; do
    grep -q -- "\"--$option" "$scratch/ipv6.yaml" || { say "no --$option" && exit 1; }
  done
}

# A PodMonitor is of a CRD that the schemas do not know.
without_custom_resources() {
  /usr/bin/python3 - "$1" <<'PY'
import sys, yaml
documents = yaml.safe_load_all(open(sys.argv[1]))
yaml.safe_dump_all((d for d in documents if d and d["kind"] != "PodMonitor"), sys.stdout)
PY
}

check_schemas() {
  variants
  local validate version file run
  validate=$(tool kubernetes-validate)
  for run in prefer-close current; do
    /usr/bin/python3 tests/deploy/kind_plan_test.py --manifests "$run" >"$scratch/kind-$run.yaml"
  done
  for file in "$scratch"/*.yaml deploy/*.yaml; do
    without_custom_resources "$file" >"$scratch/plain"
    for version in "${VIC_KUBE_VERSIONS[@]}"; do
      "$validate" --strict --quiet --kubernetes-version "$version" "$scratch/plain"
    done
  done
}

# The scrape that operator_test left, alert rules with their tests, the dashboard's queries, and all of
# them in a Prometheus that scrapes three daemons.
check_metrics() {
  "$VIC_LIB/build.sh" dev operator_test prometheus_test vicinityd vicinityctl vic_pod_agent vic_helloworld
  as_root build/dev/bin/operator_test --gtest_filter='*Metrics*'
  local promtool
  promtool=$(tool promtool)
  "$promtool" check metrics <build/dev/scrape.txt
  "$promtool" check rules --lint-fatal deploy/prometheus/vicinity-rules.yaml
  "$promtool" test rules deploy/prometheus/vicinity-rules-test.yaml
  /usr/bin/python3 tests/deploy/queries_test.py --rules >"$scratch/dashboard.yaml"
  "$promtool" check rules "$scratch/dashboard.yaml"
  /usr/bin/python3 tests/deploy/queries_test.py --list >"$scratch/queries"
  VICINITY_PROMETHEUS=$(tool prometheus) VICINITY_QUERIES=$scratch/queries \
    as_root build/dev/bin/prometheus_test
}

# The page in Debian's Chromium; the pictures of docs/ui.md are left in build/page.
check_page() {
  "$VIC_LIB/build.sh" dev page_test vicinityd vicinityctl vic_pod_agent vic_helloworld
  mkdir -p build/page
  VICINITY_CHROMIUM=$(command -v chromium) VICINITY_SCREENSHOTS=$PWD/build/page \
    as_root build/dev/bin/page_test
}

check_workflows() {
  "$(tool actionlint)" .github/workflows/*.yml
}

# The image as it is shipped, but for programs that were built outside: what is in it, how large it
# is, and that it works.
check_image() {
  [[ $EUID -eq 0 ]] || as_root "${BASH_SOURCE[0]}" image
  "$VIC_LIB/build.sh" dev vicinityd vicinityctl image_test vic_pod_agent vic_helloworld
  "$VIC_LIB/image.sh" --programs build/dev/bin --base debootstrap --tag localhost/vicinity:check
  local podman=(podman --root "$scratch/root" --runroot "$scratch/run" --storage-driver vfs)
  "${podman[@]}" load -q -i build/image/vicinity.tar
  "${podman[@]}" image inspect localhost/vicinity:check | jq -e '.[0] |
    .Size < 80e6 and .Config.Entrypoint == ["/usr/bin/vicinityd"] and
    (.Labels["org.opencontainers.image.revision"] | length == 40)' >/dev/null ||
    die "image: size, entry point or labels"
  "${podman[@]}" create -q --name sbom localhost/vicinity:check >/dev/null
  "${podman[@]}" cp sbom:/usr/share/vicinity/sbom.spdx.json - | tar -xO |
    jq -e '.spdxVersion == "SPDX-2.3" and (.packages | length) > 15 and
      ([.packages[].SPDXID] - [.relationships[].relatedSpdxElement] == []) and
      all(.packages[]; .versionInfo != "")' >/dev/null || die "image: software list"
  "${podman[@]}" rm sbom >/dev/null
  VICINITY_IMAGE=localhost/vicinity:check VICINITY_PODMAN_ROOT=$scratch build/dev/bin/image_test
}

# The Debian package in a clean Debian, and how much its unit leaves open (0 to 100; docs/security.md).
check_package() {
  "$VIC_LIB/setup.sh" packages-image.txt
  as_root "$VIC_LIB/base_system.sh" build/image/base.tar
  "$VIC_LIB/package.sh" dev
  as_root tests/deploy/package_test.sh build/image/base.tar build/package/vicinity_*.deb
  if command -v systemd-analyze >/dev/null; then
    systemd-analyze security --no-pager --offline=yes --threshold=25 \
      deploy/systemd/vicinityd.service >"$scratch/security" || { cat "$scratch/security" && return 1; }
    tail -n 1 "$scratch/security"
  fi
}

parts=("$@")
[[ ${#parts[@]} -gt 0 ]] || parts=(chart schemas workflows metrics page image package)
"$VIC_LIB/setup.sh" packages-check.txt
cd "$VIC_ROOT"
for part in "${parts[@]}"; do
  say "$part"
  "check_$part"
done
