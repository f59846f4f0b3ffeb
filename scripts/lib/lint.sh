#!/usr/bin/env bash
# lint: every check that is cheap, then clang-tidy over what changed. Reports all that fails.
set -euo pipefail
# shellcheck source=scripts/lib/common.sh
source "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/common.sh"

failed=()
run() {
  "${@:2}" || failed+=("$1")
}

check_format() {
  local unformatted
  unformatted=$(sources '*.cc' '*.h' '*.c' '*.proto' |
    xargs -0 -r -n 20 -P "$(nproc)" clang-format-19 --dry-run -ferror-limit=1 2>&1 |
    sed -n 's/^\([^: ]*\):[0-9]*:[0-9]*: .*clang-format.*/  \1/p' | sort -u)
  [[ -z $unformatted ]] && return
  printf 'not formatted (scripts/dev fmt does it):\n%s\n' "$unformatted"
  return 1
}

check_shell() {
  {
    sources '*.sh'
    printf '%s\0' scripts/dev .ci/run scripts/lib/check_layers scripts/lib/check_hygiene \
      deploy/debian/postinst deploy/debian/postrm deploy/debian/prerm
  } | xargs -0 -r shellcheck -x
}

"$VIC_LIB/setup.sh"
cd "$VIC_ROOT"
run format check_format
run layers "$VIC_LIB/check_layers"
run layers-selftest "$VIC_LIB/check_layers_test.sh"
run hygiene "$VIC_LIB/check_hygiene"
run hygiene-selftest "$VIC_LIB/check_hygiene_test.sh"
run abi "$VIC_LIB/check_abi.sh"
run shell check_shell
run tidy "$VIC_LIB/tidy.sh" changed
if [[ ${#failed[@]} -gt 0 ]]; then
  say "lint FAILED: ${failed[*]}"
  exit 1
fi
