# shellcheck shell=bash
# Sourced after common.sh: programs that are not Debian packages of packages.txt, each of one version,
# in build/tools. `tool NAME` prints the path, and makes the program when it is not there yet.
VIC_TOOLS=$VIC_ROOT/build/tools
VIC_HELM=helm.sh/helm/v3/cmd/helm@v3.22.0
VIC_ACTIONLINT=github.com/rhysd/actionlint/cmd/actionlint@v1.7.12
VIC_KUBERNETES_VALIDATE=kubernetes-validate==1.37.0
# Four times as fast as Debian's, as it leaves system headers out: for everything at once.
VIC_CLANG_TIDY=clang-tidy==22.1.8
# The three newest minor versions that its schemas know; the last one is also what charts render for.
VIC_KUBE_VERSIONS=(1.35.0 1.36.0 1.37.0)
# shellcheck disable=SC2034  # for those who source this
VIC_KUBE_VERSION=${VIC_KUBE_VERSIONS[-1]}

go_tool() {
  command -v go >/dev/null || die "$1 is built from its Go module: install go 1.24 or later"
  GOBIN=$VIC_TOOLS/bin GOFLAGS=-buildvcs=false nice go install -p 2 "$1" >&2
}

# python_tool FOLDER PACKAGE
python_tool() {
  python3 -m venv "$VIC_TOOLS/$1" >&2
  "$VIC_TOOLS/$1/bin/pip" install -q "$2" >&2
}

# Debian's package without its service: unpacked, not installed.
prometheus_tool() {
  mkdir -p "$VIC_TOOLS/prometheus"
  (cd "$VIC_TOOLS/prometheus" && apt-get download -q prometheus >&2 && dpkg -x prometheus_*.deb .)
}

tool() {
  local path
  case $1 in
    helm | actionlint) path=$VIC_TOOLS/bin/$1 ;;
    kubernetes-validate) path=$VIC_TOOLS/python/bin/$1 ;;
    clang-tidy) path=$VIC_TOOLS/clang-tidy/bin/$1 ;;
    promtool | prometheus) path=$VIC_TOOLS/prometheus/usr/bin/$1 ;;
    *) die "no tool $1" ;;
  esac
  if [[ ! -x $path ]]; then
    mkdir -p "$VIC_TOOLS/bin"
    case $1 in
      helm) go_tool "$VIC_HELM" ;;
      actionlint) go_tool "$VIC_ACTIONLINT" ;;
      kubernetes-validate) python_tool python "$VIC_KUBERNETES_VALIDATE" ;;
      clang-tidy) python_tool clang-tidy "$VIC_CLANG_TIDY" ;;
      promtool | prometheus) prometheus_tool ;;
    esac
  fi
  printf '%s\n' "$path"
}
