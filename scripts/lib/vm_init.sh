#!/bin/busybox sh
# shellcheck shell=dash
# The first process of the virtual machine: mounts what the tests need, runs them one by one, says how
# each ended and switches the machine off. Arguments are in /tests: lines BINARY FILTER.
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount -t bpf bpf /sys/fs/bpf
mount -t tmpfs tmp /tmp
mount -t tmpfs run /run
mkdir -p /dev/shm
ip link set lo up
release=$(uname -r)
for module in veth bridge tcp_diag udp_diag; do modprobe "$module"; done
echo "vm: kernel $release"

export VICINITY_TEST_PROGRAMS=/bin/tests VICINITY_CHURN_SECONDS=10
while read -r binary filter <&3; do
  begin=$(cut -d. -f1 /proc/uptime)
  "/bin/tests/$binary" "--gtest_filter=$filter" --gtest_brief=1 >/tmp/out 2>&1 </dev/null
  status=$?
  end=$(cut -d. -f1 /proc/uptime)
  [ "$status" -eq 0 ] || cat /tmp/out
  echo "vm-result: $binary $status $((end - begin))"
done 3</tests
echo "vm: done"
poweroff -f
