#!/usr/bin/env python3
"""Runs the command blocks of README.md and docs/. As root; usage: docs_test.py PROGRAM_FOLDER

A ```sh block is run from the top of the tree and must succeed, unless the line before it says
  <!-- daemon -->    run beside a vicinityd on the walk-through's first step, in mount and network
                     namespaces of its own, so that default paths mean that daemon
  <!-- cluster -->   needs a Kubernetes cluster or another host: only parsed
  <!-- by: NAME -->  NAME runs it: a test of ctest, or a script that is in the tree

A block without a language that begins with "$ " is a transcript: its commands are run, too, and what
they print must have the shape that the page shows, which is all but numbers and what depends on the
machine. Without a marker there is no daemon; beside one it says
  <!-- daemon -->          the world of its page, see PREPARED
  <!-- daemon: heading -->  goes on for ever; only its first line is compared
The same holds for a block without a language right behind a ```sh block.
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
TRANSCRIPT = re.compile(r"(?:^<!-- ([^\n]*?) -->\n)?^```\n(\$ .*?)^```$", re.M | re.S)
SHOWN = re.compile(r"(?:^<!-- ([^\n]*?) -->\n)?^```sh\n((?:(?!```).)*?)^```\n```\n(.*?)^```$", re.M | re.S)
# What a page says of the run that its output is from: mesh files, and connects before the commands.
PREPARED = {
    "docs/cli.md": ([MESH, "tests/deploy/docs_more.yaml"], "connects 4"),
    "docs/debugging.md": ([MESH], "connects 6; connect 10.96.45.18 81; keep_connecting"),
}
# What an example in YAML is for, by its first key.
EXAMPLES = {
    "service": "vicinityctl explain --mesh $1 --service sample/helloworld.sample.svc.cluster.local",
    "apiVersion": "vicinityctl policy check $1",
}
# One shell: its own /run/vicinity, bpffs and network, and a cgroup that goes with it.
WORLD = """set -euo pipefail
mount -t tmpfs none /run && mkdir -p /run/vicinity
mount -t bpf bpf /sys/fs/bpf
ip link set lo up
# The pod that the feed calls "sleep", and whoever it connects to.
ip address add 10.244.1.6/32 dev lo
ip route add local 10.244.0.0/16 dev lo
connect() {
  bash -c 'echo $$ >"$0/cgroup.procs" && exec 3<>"/dev/tcp/$1/$2"' "$cgroup" "$@" 2>/dev/null || true
}
# The first one asks for the service's counters.
connects() {
  connect 10.96.45.18 5000
  for i in $(seq 100); do
    vicinityctl metrics | grep -q '^vicinity_table_entries_used{table="counter_rows"} 1' && break
    read -rt 0.1 <> <(:) || true
  done
  for i in $(seq 2 "$1"); do connect 10.96.45.18 5000; done
}
keep_connecting() {
  while connect 10.96.45.18 5000; do read -rt 0.05 <> <(:) || true; done &
}
cgroup=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/self/mounts)/vicinity-docs-$$
mkdir "$cgroup"
# An unpinned link leaves its cgroup some time after.
trap 'kill $(jobs -p) 2>/dev/null || true; wait; vicinityd --node-name x --uninstall
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


def commands(transcript):
    """(command, output) of each "$ " line; a command goes on behind a backslash."""
    lines, found = transcript.splitlines(), []
    while lines:
        command = lines.pop(0).removeprefix("$ ")
        while command.endswith("\\"):
            command = command[:-1] + lines.pop(0)
        output = []
        while lines and not lines[0].startswith("$ "):
            output.append(lines.pop(0))
        found.append((command, "\n".join(output)))
    return found


def transcripts(marker):
    """page: [(command, output)] of all with this marker."""
    found = {}
    for page in PAGES:
        name, text = str(page.relative_to(ROOT)), page.read_text()
        for its, transcript in TRANSCRIPT.findall(text):
            if (its or None) == marker:
                found.setdefault(name, []).extend(commands(transcript))
        for its, command, output in SHOWN.findall(text):
            if (its or None) == marker:
                found.setdefault(name, []).append((command, output))
    return {name: pairs for name, pairs in found.items() if pairs}


def shape(command, text):
    """All of it that does not depend on the machine or on what happened before."""
    if command.startswith("vicinityctl check"):  # a verdict and its remedy are the machine's
        return [line.split()[1] for line in text.splitlines() if line[:1].strip()]
    lines = []
    for line in text.splitlines():
        for pattern, name in ((r"/sys/fs/cgroup\S*", "CGROUP"), (r"file \S+", "FILE"),
                              (r"^kernel .*", "KERNEL"), (r"\btag [0-9a-f]+", "TAG"), (r"\bby \w+;", "MEANS;"),
                              (r"0x[0-9a-f]+", "#"), (r"\d+(\.\d+)?", "#"), (r"#(,#)+", "#")):
            line = re.sub(pattern, name, line)
        lines.append(" ".join(line.split()))
    return [line for line in lines if line and not line.startswith("missing ")]


def runs(name, block):
    """Is there a test of this name, or a script that runs what `scripts/dev` does in the block?"""
    lists = [*(ROOT / "tests").rglob("CMakeLists.txt"), *(ROOT / "tests").rglob("*.cmake")]
    known = re.compile(rf"(?:vic_test|vic_deploy_test|add_test)\((?:NAME )?{re.escape(name)}\b")
    if any(known.search(file.read_text()) for file in lists):
        return True
    script = ROOT / name
    wanted = re.findall(r"^scripts/dev (\w+)", block, re.M)
    if not script.exists() or not wanted:
        return False
    text = script.read_text()
    # Not just itself. `check` is run by people.
    return all(one == "check" or one != script.stem and (f"/{one}.sh" in text or f"dev {one}" in text)
               for one in wanted)


class Documents(unittest.TestCase):
    def test_blocks_are_shell(self):
        for name, _, text in blocks():
            with self.subTest(name):
                done = subprocess.run(["bash", "-n"], input=text, capture_output=True, text=True,
                                      check=False)
                self.assertEqual(done.returncode, 0, done.stderr)

    def test_markers_are_known(self):
        for name, marker, text in blocks():
            with self.subTest(name, marker=marker):
                if marker and marker.startswith("by: "):
                    self.assertTrue(runs(marker.removeprefix("by: ").split()[0], text))
                else:
                    self.assertIn(marker, (None, "daemon", "cluster"))
        for page in PAGES:
            for marker, text in TRANSCRIPT.findall(page.read_text()):
                self.assertIn(marker, ("", "daemon", "daemon: heading"), text)

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

    def test_yaml_examples_load(self):
        tried = 0
        for page in PAGES:
            for text in re.findall(r"^```yaml\n(.*?)^```$", page.read_text(), re.M | re.S):
                key = text.split(":")[0]
                if key not in EXAMPLES:
                    continue
                with self.subTest(str(page.relative_to(ROOT)), key=key):
                    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
                        file.write(text)
                        file.flush()
                        done = shell(EXAMPLES[key], file.name)
                    self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)
                    tried += 1
        self.assertGreaterEqual(tried, len(EXAMPLES))

    def expect_shapes(self, page, pairs, done):
        """`done` printed "@@" before the output of each command."""
        printed = done.stdout.split("@@\n")[1:]
        self.assertEqual(len(printed), len(pairs), done.stdout + done.stderr)
        for (command, shown), output in zip(pairs, printed):
            with self.subTest(page, command=command):
                self.assertEqual(shape(command, output), shape(command, shown), output)

    def test_transcripts_without_a_daemon(self):
        for page, pairs in transcripts(None).items():
            every = "".join(f"echo @@; ({command}) 2>&1 || true\n" for command, _ in pairs)
            self.expect_shapes(page, pairs, shell(WORLD + every, "alone", isolated=True))

    def test_transcripts_beside_a_daemon(self):
        found = transcripts("daemon")
        self.assertEqual(set(found), set(PREPARED))
        for page, pairs in found.items():
            every = "".join(f"echo @@; ({command}) 2>&1 || true\n" for command, _ in pairs)
            self.expect_shapes(page, pairs, self.beside_a_daemon(page, every))

    def test_headings_of_what_goes_on(self):
        for page, pairs in transcripts("daemon: heading").items():
            for command, shown in pairs:
                with self.subTest(page, command=command):
                    done = self.beside_a_daemon(page, f"timeout 1 {command} || true\n")
                    lines = done.stdout.splitlines() or [done.stderr]
                    self.assertEqual(lines[0].split(), shown.splitlines()[0].split())

    def beside_a_daemon(self, page, script):
        files, prepare = PREPARED[page]
        with tempfile.TemporaryDirectory() as folder:
            mesh = Path(folder) / "mesh.yaml"
            mesh.write_text("---\n".join((ROOT / file).read_text() for file in files))
            return shell(f"{WORLD}cd {folder}\n{prepare}\n{script}", "daemon", str(mesh), isolated=True)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
