#!/usr/bin/env bash
# package [PRESET]: the Debian package of a build (release), in build/package.
set -euo pipefail
# shellcheck source=scripts/lib/common.sh
source "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/common.sh"

preset=${1:-release}
"$VIC_LIB/build.sh" "$preset" vicinityd vicinityctl
cd "$VIC_ROOT/build/$preset"
rm -rf "$VIC_ROOT/build/package" reference
mkdir reference
for program in vicinityd vicinityctl; do
  bin/vicinityctl manual "$program" >"reference/$program.8"
  bin/vicinityctl completion bash >"reference/$program"
done
cpack -G DEB -B "$VIC_ROOT/build/package" >/dev/null
ls "$VIC_ROOT"/build/package/*.deb
