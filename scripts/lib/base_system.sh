#!/usr/bin/env bash
# base_system.sh FILE: a minimal Debian 12 with root certificates as a tar file, by debootstrap, from
# where this machine has its own packages. For images and clean chroots. Does nothing when FILE is
# there. As root.
set -euo pipefail
# shellcheck source=scripts/lib/common.sh
source "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/common.sh"

file=$1
[[ -f $file ]] && exit 0
# shellcheck disable=SC2016  # apt's own syntax
mapfile -t sources < <(apt-get indextargets \
  --format '$(ORIGIN) $(RELEASE) $(REPO_URI) $(COMPONENT)' 'Identifier: Packages' |
  awk '$1 == "Debian" && $2 ~ /^bookworm/ { print "deb", $3, $2, $4 }' | sort -u)
mirror=$(printf '%s\n' "${sources[@]}" | awk '$3 == "bookworm" { print $2; exit }')
[[ -n $mirror ]] || die "apt has no sources of bookworm (apt-get update?)"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
say "debootstrap bookworm"
debootstrap --variant=minbase --include=ca-certificates bookworm "$folder" "$mirror" >&2
# With the updates that this machine has, so that libraries are the same.
printf '%s\n' "${sources[@]}" >"$folder/etc/apt/sources.list"
rm -rf "$folder"/var/cache/apt/archives/*.deb "$folder"/var/lib/apt/lists/*
mkdir -p "$(dirname "$file")"
tar -C "$folder" --one-file-system -cf "$file.new" .
mv "$file.new" "$file"
