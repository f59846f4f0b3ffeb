#!/usr/bin/env bash
# library_packages.sh PROGRAM...: the Debian packages of the libraries that the programs name.
set -euo pipefail

# dpkg knows some files by their name from before /usr was merged.
owner() {
  local file
  file=$(readlink -f "$1")
  dpkg -S "$file" 2>/dev/null || dpkg -S "${file#/usr}"
}

ldd "$@" | awk '$2 == "=>" { print $3 } $1 ~ /^\/.*[^:]$/ { print $1 }' | sort -u |
  while read -r library; do owner "$library"; done | cut -d: -f1 | sort -u
