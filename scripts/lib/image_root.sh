#!/usr/bin/env bash
# image_root.sh PROGRAMS ROOT VERSION: fills ROOT with all that an image FROM scratch needs: the two
# programs of the folder PROGRAMS, the libraries they name, root certificates, and what all of that
# is: usr/share/vicinity/sbom.spdx.json and the licences. Runs in the image's build stage (Debian).
set -euo pipefail

programs=$1 root=$2 version=$3

add_library() {
  local name=$1
  [[ -e $root/usr$name ]] && return
  # 755: the loader is a program.
  install -D -m 755 "$(readlink -f "$name")" "$root/usr${name#/usr}"
}

add_programs() {
  mkdir -p "$root"/usr/{bin,lib,lib64,share/vicinity} "$root"/{etc,run/vicinity,tmp,host/sys/fs}
  ln -sfn usr/lib "$root/lib"
  ln -sfn usr/lib64 "$root/lib64"
  install -m 755 "$programs/vicinityd" "$programs/vicinityctl" "$root/usr/bin/"
  # "libz.so.1 => /lib/x86_64-linux-gnu/libz.so.1 (0x...)" and "/lib64/ld-linux-x86-64.so.2 (0x...)"
  ldd "$programs/vicinityd" "$programs/vicinityctl" |
    awk '/not found/ { print "missing: " $1 >"/dev/stderr"; exit 1 }
         $2 == "=>" { print $3 }
         $1 ~ /^\/.*[^:]$/ { print $1 }' | sort -u >"$root.libraries"
  while read -r library; do add_library "$library"; done <"$root.libraries"
}

add_files() {
  install -D -m 644 /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"
  printf 'root:x:0:0:root:/:/usr/sbin/nologin\n' >"$root/etc/passwd"
  printf 'root:x:0:\n' >"$root/etc/group"
  printf 'hosts: files dns\n' >"$root/etc/nsswitch.conf"
}

spdx_id() { printf 'SPDXRef-%s' "$(sed 's/+/-plus/g; s/[^A-Za-z0-9.-]/-/g' <<<"$1")"; }

spdx_package() {
  printf '    {"SPDXID": "%s", "name": "%s", "versionInfo": "%s", "downloadLocation": "NOASSERTION",\n' \
    "$(spdx_id "$1")" "$1" "$2"
  printf '     "filesAnalyzed": false, "licenseConcluded": "NOASSERTION", "licenseDeclared": "%s",\n' "$3"
  printf '     "copyrightText": "NOASSERTION", "externalRefs": [{"referenceCategory": "PACKAGE-MANAGER",\n'
  printf '     "referenceType": "purl", "referenceLocator": "%s"}]}' "$4"
}

# SPDX 2.3: Vicinity, the Debian package of each library, and that the one depends on the others.
software_list() {
  local name installed architecture
  printf '{"spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT",\n'
  printf ' "name": "vicinity-%s", "documentNamespace": "https://spdx.org/spdxdocs/vicinity-%s",\n' \
    "$version" "$version-$(sha256sum "$root/usr/bin/vicinityd" | cut -c1-16)"
  printf ' "creationInfo": {"created": "%s", "creators": ["Tool: vicinity-image_root"]},\n' \
    "$(date -u -d "@${SOURCE_DATE_EPOCH:-0}" +%Y-%m-%dT%H:%M:%SZ)"
  printf ' "packages": [\n'
  spdx_package vicinity "$version" Apache-2.0 "pkg:generic/vicinity@$version"
  while read -r name; do
    read -r installed architecture < <(dpkg-query -W -f '${Version} ${Architecture}\n' "$name")
    printf ',\n'
    spdx_package "$name" "$installed" NOASSERTION \
      "pkg:deb/debian/$name@$installed?arch=$architecture&distro=debian-12"
  done <"$root.packages"
  printf '\n ],\n "relationships": [\n'
  printf '    {"spdxElementId": "SPDXRef-DOCUMENT", "relationshipType": "DESCRIBES", "relatedSpdxElement": "SPDXRef-vicinity"}'
  while read -r name; do
    printf ',\n    {"spdxElementId": "SPDXRef-vicinity", "relationshipType": "DEPENDS_ON", "relatedSpdxElement": "%s"}' \
      "$(spdx_id "$name")"
  done <"$root.packages"
  printf '\n ]}\n'
}

add_licences() {
  local name
  while read -r name; do
    install -D -m 644 "/usr/share/doc/$name/copyright" "$root/usr/share/doc/$name/copyright"
  done <"$root.packages"
  install -D -m 644 LICENSE "$root/usr/share/doc/vicinity/LICENSE"
  install -m 644 bpf/LICENSE.md bpf/COPYING.GPL-2.0 "$root/usr/share/doc/vicinity/"
}

add_programs
add_files
{
  "$(dirname "$0")/library_packages.sh" "$programs"/vicinity{d,ctl}
  printf 'ca-certificates\n'
} | sort -u >"$root.packages"
add_licences
software_list >"$root/usr/share/vicinity/sbom.spdx.json"
