#!/usr/bin/env python3
"""Runs the command blocks of README.md and docs/. As root; usage: docs_test.py PROGRAM_FOLDER

A ```sh block is run from the top of the tree and must succeed, unless the line before it says
  <!-- daemon -->    run beside a vicinityd on the walk-through's first step, in mount and network
                     namespaces of its own, so that default paths mean that daemon
  <!-- cluster -->   needs a Kubernetes cluster or another host: only parsed
  <!-- by: NAME -->  NAME runs it: a test of ctest, or a script that is in the tree
"""
import os
import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = Path(sys.argv[1])
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")), *sorted((ROOT / "tests").rglob("*.md"))]
BLOCK = re.compile(r"(?:^<!-- ([^\n]*?) -->\n)?^```sh\n(.*?)^```$", re.M | re.S)
MESH = "tests/data/walkthrough/00-initial.yaml"
# One shell: its own /run/vicinity, bpffs and network, and a cgroup that goes with it.
WORLD = """set -euo pipefail
mount -t tmpfs none /run && mkdir -p /run/vicinity
mount -t bpf bpf /sys/fs/bpf
ip link set lo up
cgroup=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/self/mounts)/vicinity-docs-$$
mkdir "$cgroup"
# An unpinned link leaves its cgroup some time after.
trap 'kill $(jobs -p) 2>/dev/null; wait; vicinityd --node-name x --uninstall
  for i in $(seq 100); do rmdir "$cgroup" 2>/dev/null && break; read -rt 0.1 <> <(:) || true; done' EXIT
export VICINITY_CGROUP=$cgroup
if [[ $1 == daemon ]]; then
  vicinityd --node-name ambient-worker --feed "file:$2" 2>/dev/null &
  for i in $(seq 100); do
    vicinityctl status 2>/dev/null | grep -q in_sync && break
    read -rt 0.1 <> <(:) || true
  done
fi
"""


def blocks():
    """(page and number, marker or None, text)"""
    for page in PAGES:
        for number, (marker, text) in enumerate(BLOCK.findall(page.read_text()), 1):
            yield f"{page.relative_to(ROOT)} #{number}", marker or None, text


def shell(script, *arguments, isolated=False):
    command = ["bash", "-c", script, "docs_test", *arguments]
    if isolated:
        command = ["unshare", "--mount", "--net", "--propagation", "private", *command]
    environment = {**os.environ, "PATH": f"{PROGRAMS}:{os.environ['PATH']}"}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True,
                          timeout=100, check=False)


class Documents(unittest.TestCase):
    def test_blocks_are_shell(self):
        for name, _, text in blocks():
            with self.subTest(name):
                done = subprocess.run(["bash", "-n"], input=text, capture_output=True, text=True,
                                      check=False)
                self.assertEqual(done.returncode, 0, done.stderr)

    def test_markers_are_known(self):
        tests = (ROOT / "tests/deploy/CMakeLists.txt").read_text()
        for name, marker, _ in blocks():
            with self.subTest(name, marker=marker):
                if marker and marker.startswith("by: "):
                    by = marker.removeprefix("by: ").split()[0]
                    self.assertTrue((ROOT / by).exists() or f"vic_deploy_test({by}" in tests)
                else:
                    self.assertIn(marker, (None, "daemon", "cluster"))

    def test_blocks_run(self):
        ran = 0
        for name, marker, text in blocks():
            if marker is None:
                with self.subTest(name):
                    done = shell("set -e\n" + text)
                    self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
                    ran += 1
        self.assertGreater(ran, 0)

    def test_blocks_beside_a_daemon_run(self):
        every = "".join(f"echo '-- {name}'\n(set -e\n{text})\n"
                        for name, marker, text in blocks() if marker == "daemon")
        self.assertIn("bpftool", every)
        done = shell(WORLD + every, "daemon", MESH, isolated=True)
        self.assertEqual(done.returncode, 0, done.stdout[-2000:] + done.stderr[-2000:])

    def test_the_plain_host_by_hand(self):
        text = next(text for _, marker, text in blocks() if marker == "by: docs_test")
        start, rest = text.split("&\n", 1)
        wait = ("for i in $(seq 100); do vicinityctl status 2>/dev/null | grep -q in_sync && break; "
                "read -rt 0.1 <> <(:) || true; done\n")
        done = shell(WORLD + f"{start} 2>/dev/null &\n{wait}{rest}", "by-hand", MESH, isolated=True)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("10.244.1.5|HEALTHY", done.stdout)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
