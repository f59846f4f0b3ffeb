#!/usr/bin/env bash
# package_test.sh BASE.tar PACKAGE.deb: installs the package in a clean Debian, runs it there, removes
# it, and compares what is left. As root, in a mount namespace of its own (it makes one).
set -euo pipefail
if [[ ${VICINITY_UNSHARED:-} != yes ]]; then
  VICINITY_UNSHARED=yes exec unshare --mount --propagation private "$0" "$@"
fi

base=$1 package=$2
here=$(dirname "$(readlink -f "$0")")
root=$(mktemp -d)
cgroup=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/self/mounts)/vicinity-package-$$
daemon=''
cleanup() {
  if [[ -n $daemon ]]; then kill "$daemon" 2>/dev/null || true; fi
  umount -R "$root/proc" "$root/sys" "$root/cgroup" 2>/dev/null || true
  rm -rf "$root"
  for _ in {1..50}; do rmdir "$cgroup" 2>/dev/null && break || read -rt 0.1 <> <(:) || true; done
}
trap cleanup EXIT
fail() {
  echo "package_test: $*" >&2
  exit 1
}
inside() { DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 chroot "$root" "$@"; }
# Everything but what apt itself writes and the libraries, which stay until autoremove.
files() { (cd "$root" && find etc usr var run -xdev -not -path 'var/lib/apt/*' \
  -not -path 'var/cache/*' -not -path 'var/log/*' -not -path 'var/lib/dpkg/*' | sort); }

tar -C "$root" -xf "$base"
mkdir -p "$root/cgroup" "$root/sys/fs/bpf" "$cgroup"
mount -t proc proc "$root/proc"
mount -t sysfs -o ro sysfs "$root/sys"
mount -t bpf bpf "$root/sys/fs/bpf"
mount --bind "$cgroup" "$root/cgroup"
cp "$package" "$root/tmp/vicinity.deb"
cp "$here/../data/walkthrough/00-initial.yaml" "$root/tmp/mesh.yaml"
cp /etc/resolv.conf "$root/etc/resolv.conf"

inside apt-get update -qq
# The libraries first, so that what the package itself brings can be told.
dpkg-deb -f "$package" Depends | tr ',' '\n' | awk '{ print $1 }' |
  xargs chroot "$root" apt-get install -qq -y --no-install-recommends >/dev/null
files >"$root/tmp/before"
inside apt-get install -qq -y --no-install-recommends /tmp/vicinity.deb >/dev/null

[[ $(inside vicinityd --version) == *0.1* ]] || fail "vicinityd --version"
inside vicinityctl explain --mesh /tmp/mesh.yaml --client zone=zone1 \
  --service sample/helloworld.sample.svc.cluster.local | grep -q PRIORITY || fail "explain"
for file in etc/vicinity/vicinityd.yaml usr/share/man/man8/vicinityd.8 \
  usr/share/bash-completion/completions/vicinityctl usr/lib/systemd/system/vicinityd.service; do
  [[ -s $root/$file ]] || fail "no $file"
done
printf 'feed: file:/tmp/mesh.yaml\ncgroup: /cgroup\n' >>"$root/etc/vicinity/vicinityd.yaml"
mkdir -p "$root/run/vicinity"
NODE_NAME=ambient-worker VICINITY_CONFIG=/etc/vicinity/vicinityd.yaml \
  chroot "$root" /usr/bin/vicinityd &
daemon=$!
for _ in {1..100}; do
  inside vicinityctl status 2>/dev/null | grep -q in_sync && break
  read -rt 0.1 <> <(:) || true
done
inside vicinityctl status | grep -q in_sync || fail "the daemon is not in sync"
kill "$daemon"
wait "$daemon"
daemon=''
[[ -d $root/sys/fs/bpf/vicinity ]] || fail "nothing is pinned"

# Another version in its place: what is pinned stays.
inside apt-get install -qq -y --reinstall /tmp/vicinity.deb >/dev/null
[[ -d $root/sys/fs/bpf/vicinity ]] || fail "an upgrade removed what is pinned"

inside apt-get purge -qq -y vicinity >/dev/null
[[ ! -e $root/sys/fs/bpf/vicinity ]] || fail "removing the package left pins"
rm -rf "$root/run/vicinity"
files | diff "$root/tmp/before" - || fail "files differ"
echo "package_test: passed"
