#!/usr/bin/env bash
# image [--programs FOLDER] [--base IMAGE|debootstrap] [--tag NAME]: builds deploy/Containerfile into
# build/image/vicinity.tar, to be loaded by docker, podman or `kind load image-archive`.
#   --programs FOLDER  take vicinityd and vicinityctl from there (built on Debian 12) instead of
#                      compiling them in the image's build stage
#   --base IMAGE       what the build stage begins with; debootstrap: made here, from Debian's
#                      packages. Default: debian:bookworm-slim, or debootstrap where no registry is
#   --tag NAME         default: localhost/vicinity:VERSION
set -euo pipefail
# shellcheck source=scripts/lib/common.sh
source "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/common.sh"

[[ $EUID -eq 0 ]] || as_root exec "${BASH_SOURCE[0]}" "$@"
version=$(sed -n 's/^project(Vicinity VERSION \([0-9.]*\).*/\1/p' "$VIC_ROOT/CMakeLists.txt")
programs='' base='' tag=localhost/vicinity:$version
while [[ $# -gt 0 ]]; do
  case $1 in
    --programs) programs=$(readlink -f "$2") ;;
    --base) base=$2 ;;
    --tag) tag=$2 ;;
    *) die "image: unknown argument $1" ;;
  esac
  shift 2
done
"$VIC_LIB/setup.sh" packages-image.txt
cd "$VIC_ROOT"
archive=build/image/vicinity.tar
commit_time=$(git log -1 --format=%ct)
context=$(mktemp -d)
storage=$(mktemp -d)
trap 'rm -rf "$context" "$storage"' EXIT

# In a store of its own: neither the caller's store nor its settings matter.
own_buildah() {
  buildah --root "$storage/root" --runroot "$storage/run" --storage-driver vfs "$@"
}

# What is under version control or new: no build folders.
fill_context() {
  sources . | tar -cf - --null --files-from - | tar -C "$context" -xf -
  [[ -z $programs ]] && return
  mkdir "$context/given"
  local program
  for program in vicinityd vicinityctl; do
    llvm-strip-19 -o "$context/given/$program" "$programs/$program"
  done
  "$VIC_LIB/library_packages.sh" "$programs"/vicinity{d,ctl} >"$context/given/packages"
}

base_from_debootstrap() {
  local file=build/image/base.tar container
  "$VIC_LIB/base_system.sh" "$file"
  base=localhost/vicinity-base:bookworm
  container=$(own_buildah from scratch)
  own_buildah add -q "$container" "$file" / >/dev/null
  own_buildah commit -q --rm "$container" "$base" >/dev/null
}

choose_base() {
  if [[ -z $base ]]; then
    base=docker.io/library/debian:bookworm-slim
    own_buildah pull -q "$base" >/dev/null 2>&1 || base=debootstrap
  fi
  say "base: $base"
  if [[ $base == debootstrap ]]; then base_from_debootstrap; fi
}

fill_context
choose_base
BUILDAH_ISOLATION=chroot own_buildah build --layers=false --timestamp "$commit_time" \
  --build-arg BASE="$base" --build-arg VERSION="$version" \
  --build-arg SOURCE_DATE_EPOCH="$commit_time" \
  --label org.opencontainers.image.title=vicinity \
  --label org.opencontainers.image.description='eBPF L4 locality-aware load balancer' \
  --label org.opencontainers.image.version="$version" \
  --label org.opencontainers.image.revision="$(git rev-parse HEAD)" \
  --label org.opencontainers.image.licenses='Apache-2.0 AND (GPL-2.0-only OR BSD-2-Clause)' \
  --file deploy/Containerfile --tag "$tag" "$context"
rm -f "$archive"
own_buildah push -q "$tag" "docker-archive:$archive:$tag"
say "built $tag: $archive"
