#!/usr/bin/env bash
# vm VERSION [BINARY...]: boots Debian's kernel of that version (6.1) in QEMU and runs the kernel tests
# there, with a report like ctest's. What it downloads and unpacks stays in build/vm.
set -euo pipefail
# shellcheck source=scripts/lib/common.sh
source "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/common.sh"

version=${1:-}
[[ $version =~ ^[0-9]+\.[0-9]+$ ]] || die "vm: which kernel? (6.1)"
shift
# Emulated, on a busy machine; the tests themselves take a minute or two.
limit_seconds=${VICINITY_VM_SECONDS:-1500}
work=$VIC_ROOT/build/vm/$version
bin=$VIC_ROOT/build/dev/bin
root=$work/root
helpers=(vic_helloworld vic_pod_agent vic_test_publisher vic_held_client vic_socket_script
  vic_dns_server vic_failing_server)

find_package() {
  apt-cache search --names-only "^linux-image-$version\.[0-9]+-[0-9]+-cloud-amd64-unsigned$" |
    awk '{ print $1 }' | sort -V | tail -1
}

fetch_kernel() {
  [[ -e $work/kernel/boot ]] && return
  local package
  package=$(find_package)
  [[ -n $package ]] || as_root apt-get update -q
  package=$(find_package)
  [[ -n $package ]] || die "vm: no linux-image-$version.* in Debian's archive here"
  say "vm: $package"
  mkdir -p "$work/download"
  (cd "$work/download" && apt-get download -q "$package")
  dpkg -x "$work/download/$package"_*.deb "$work/kernel"
}

# Copies a program, without its debug information, and the libraries that it needs.
add_program() {
  strip -o "$2" "$1"
  ldd "$1" | grep -o '/[^ ]*' | while read -r library; do
    mkdir -p "$root/$(dirname "$library")"
    [[ -e $root/$library ]] || strip -o "$root/$library" "$(readlink -f "$library")"
  done
}

select_tests() {
  if [[ $# -eq 0 ]]; then
    grep -v '^#' "$VIC_LIB/vm_tests.txt"
  else
    for name in "$@"; do grep "^$name " "$VIC_LIB/vm_tests.txt" || echo "$name *"; done
  fi
}

add_modules() {
  local release=$1 name
  mkdir -p "$root/lib/modules/$release"
  for name in veth bridge stp llc inet_diag tcp_diag udp_diag; do
    find "$work/kernel/lib/modules/$release" -name "$name.ko*" -exec cp {} "$root/lib/modules/$release/" \;
  done
  busybox depmod -b "$root" "$release" 2>/dev/null || busybox depmod "$release" -b "$root"
}

build_root() {
  local release=$1 name
  rm -rf "$root"
  mkdir -p "$root"/{bin/tests,dev,proc,sys,tmp,run,lib,lib64,etc,root}
  cp "$(command -v busybox)" "$root/bin/busybox"
  cp "$VIC_LIB/vm_init.sh" "$root/init"
  chmod +x "$root/init"
  : >"$root/etc/resolv.conf"
  printf '127.0.0.1 localhost\n::1 localhost\n' >"$root/etc/hosts"
  for name in "${helpers[@]}" $(awk '{ print $1 }' <"$work/tests"); do
    add_program "$bin/$name" "$root/bin/tests/$name"
  done
  # What the tests ask and set up with, and busybox lacks or has less of.
  for name in dig getent ip; do add_program "$(command -v "$name")" "$root/bin/$name"; done
  cp "$work/tests" "$root/tests"
  add_modules "$release"
  (cd "$root" && find . | cpio -o -H newc --quiet | gzip -1) >"$work/initramfs.gz"
}

run_machine() {
  local kernel
  kernel=$(echo "$work"/kernel/boot/vmlinuz-*)
  timeout "$limit_seconds" qemu-system-x86_64 -accel tcg,thread=multi -cpu max -smp 2 -m 2048 \
    -nographic -no-reboot -nodefaults -serial stdio -nic none -kernel "$kernel" \
    -initrd "$work/initramfs.gz" \
    -append 'console=ttyS0 quiet panic=-1 rdinit=/init mitigations=off' </dev/null |
    tr -d '\r' | tee "$work/console.log"
}

# One line per test, as ctest has them; fails when one failed or did not come to its end.
report() {
  local number=0 failed=0 total binary status seconds verdict
  total=$(wc -l <"$work/tests")
  while read -r binary _; do
    number=$((number + 1))
    read -r status seconds < <(sed -n "s/^vm-result: $binary //p" "$work/console.log") || true
    verdict=Passed
    if [[ ${status:-lost} != 0 ]]; then
      verdict="***Failed"
      failed=$((failed + 1))
    fi
    printf '%2d/%d Test: vm-%s.%-28s %-10s %4s sec\n' "$number" "$total" "$version" "$binary" \
      "$verdict" "${seconds:--}"
    status=lost seconds=-
  done <"$work/tests"
  printf '\n%d%% tests passed, %d tests failed out of %d\n' \
    $(((total - failed) * 100 / total)) "$failed" "$total"
  [[ $failed -eq 0 ]]
}

"$VIC_LIB/setup.sh" packages-vm.txt
mkdir -p "$work"
select_tests "$@" >"$work/tests"
mapfile -t names < <(awk '{ print $1 }' <"$work/tests")
"$VIC_LIB/build.sh" dev "${names[@]}" "${helpers[@]}"
fetch_kernel
release=$(basename "$work"/kernel/lib/modules/*)
build_root "$release"
say "vm: booting $release"
run_machine || true
report
