#!/usr/bin/env bash
# setup.sh [LIST]: installs the Debian packages of LIST (packages.txt) that are missing; says nothing
# when none is.
set -euo pipefail
# shellcheck source=scripts/lib/common.sh
source "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/common.sh"

mapfile -t wanted < <(grep -v '^#' "$VIC_LIB/${1:-packages.txt}")
mapfile -t missing < <(
  comm -23 <(printf '%s\n' "${wanted[@]}" | sort) \
    <(dpkg-query -W -f '${db:Status-Status} ${Package}\n' 2>/dev/null |
      awk '$1 == "installed" { print $2 }' | sort -u)
)
[[ ${#missing[@]} -eq 0 ]] && exit 0

command -v apt-get >/dev/null || die "no apt-get here; install by hand: ${missing[*]}"
say "installing: ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
as_root apt-get update -q
as_root apt-get install -q -y --no-install-recommends "${missing[@]}"
