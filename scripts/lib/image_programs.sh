#!/usr/bin/env bash
# image_programs.sh FOLDER: the programs for an image, stripped, into FOLDER: those of given/ if it is
# there, otherwise compiled. Runs in the image's build stage (Debian).
set -euo pipefail

folder=$1
mkdir -p "$folder"
apt-get update -q
if [[ -d given ]]; then
  xargs -a given/packages apt-get install -q -y --no-install-recommends ca-certificates
  install -m 755 given/vicinityd given/vicinityctl "$folder/"
  exit 0
fi
apt-get install -q -y --no-install-recommends ca-certificates
scripts/lib/setup.sh
scripts/lib/build.sh release vicinityd vicinityctl
for program in vicinityd vicinityctl; do
  llvm-strip-19 -o "$folder/$program" "build/release/bin/$program"
  chmod 755 "$folder/$program"
done
