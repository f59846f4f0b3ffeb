# shellcheck shell=bash
# Sourced by every script: where things are, and how to say and do things.
VIC_LIB=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
VIC_ROOT=$(readlink -f "$VIC_LIB/../..")
export VIC_LIB VIC_ROOT

say() { printf '== %s\n' "$*"; }

die() {
  printf 'scripts/dev: %s\n' "$*" >&2
  exit 2
}

# Runs a command as root, keeping the environment.
as_root() {
  if [[ $EUID -eq 0 ]]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo -E env "PATH=$PATH" "$@"
  else
    die "root is needed for: $* (run as root, or install sudo)"
  fi
}

# Says how long a step took: `timed NAME COMMAND...`
timed() {
  local name=$1 start=$SECONDS status=0
  shift
  say "$name"
  "$@" || status=$?
  say "$name: $((SECONDS - start)) s$([[ $status -eq 0 ]] || echo ", FAILED")"
  return "$status"
}

# Sources under version control or new, NUL-separated: `sources '*.cc' '*.h'`
sources() {
  git -C "$VIC_ROOT" ls-files -z --cached --others --exclude-standard -- "$@" |
    while IFS= read -r -d '' file; do
      [[ -f $VIC_ROOT/$file ]] && printf '%s\0' "$file"
    done
}
