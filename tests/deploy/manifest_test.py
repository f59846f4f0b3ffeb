#!/usr/bin/env python3
"""The rendered manifests and the chart's schema against the programs: arguments, settings, mounts.

usage: manifest_test.py PROGRAM_FOLDER MANIFEST...
"""
import json
import re
import subprocess
import sys
import unittest
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = Path(sys.argv[1])
MANIFESTS = [Path(name) for name in sys.argv[2:]]
NOT_SETTINGS = {"config", "help", "uninstall", "version"}
SUBSTITUTES = {"NODE_NAME": "worker", "POD_IP": "10.0.0.7", "POD_NAME": "p", "POD_NAMESPACE": "n"}
# uid 0 with these and nothing else, as docs/security.md says.
CAPABILITIES = {"add": ["BPF", "NET_ADMIN", "PERFMON"], "drop": ["ALL"]}


def run(program, *arguments):
    return subprocess.run([PROGRAMS / program, *arguments], capture_output=True, text=True,
                          timeout=60, check=False)


def flags_of_vicinityd():
    return set(re.findall(r"^ *(?:-\w,)?--([a-z0-9-]+)", run("vicinityd", "--help").stdout, re.M))


def documents():
    for path in MANIFESTS:
        for document in yaml.safe_load_all(path.read_text()):
            if document:
                yield path.name, document


def pod_specs():
    for name, document in documents():
        if document["kind"] == "DaemonSet":
            yield name, document["spec"]["template"]["spec"]


def containers():
    for name, spec in pod_specs():
        for container in spec.get("initContainers", []) + spec["containers"]:
            yield f"{name} {container['name']}", spec, container


def our_containers():
    return [row for row in containers() if row[2]["image"].startswith("vicinity:")]


class Manifests(unittest.TestCase):
    def test_every_argument_is_a_flag(self):
        known = flags_of_vicinityd()
        self.assertIn("xds-address", known)
        for name, _, container in our_containers():
            for argument in container["args"]:
                with self.subTest(name, argument=argument):
                    self.assertIn(re.match("--([a-z0-9-]+)", argument)[1], known)

    def test_every_value_is_one_that_the_program_takes(self):
        # Of all errors of its settings, which it lists, only the one made here is left.
        for name, _, container in our_containers():
            given = [re.sub(r"\$\((\w+)\)", lambda found: SUBSTITUTES[found[1]], argument)
                     for argument in container["args"]]
            with self.subTest(name):
                done = run("vicinityd", *given, "--no-such-flag")
                self.assertEqual(done.returncode, 2, done.stderr)
                self.assertEqual(done.stderr.count("--"), 1, done.stderr)
                self.assertIn("--no-such-flag", done.stderr)

    def test_every_variable_in_an_argument_is_set(self):
        for name, _, container in our_containers():
            used = set(re.findall(r"\$\((\w+)\)", " ".join(container["args"])))
            with self.subTest(name):
                self.assertLessEqual(used, {variable["name"] for variable in container["env"]})

    def test_probes_ask_what_vicinityctl_answers(self):
        commands = run("vicinityctl", "--help").stdout
        for name, _, container in our_containers():
            for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
                if probe not in container:
                    continue
                with self.subTest(name, probe=probe):
                    program, command = container[probe]["exec"]["command"]
                    self.assertEqual(program, "/usr/bin/vicinityctl")
                    self.assertRegex(commands, rf"(?m)^ +{command} ")

    def test_ready_means_that_connects_are_translated(self):
        for name, _, container in our_containers():
            if "readinessProbe" in container:
                with self.subTest(name):
                    self.assertEqual(container["readinessProbe"]["exec"]["command"][1], "ready")

    def test_the_daemon_sees_the_processes_of_pods(self):
        for name, spec in pod_specs():
            daemon = any(container["name"] == "vicinityd" for container in spec["containers"])
            with self.subTest(name):
                self.assertEqual(spec.get("hostPID", False), daemon)

    def test_every_mount_has_its_volume_and_every_volume_its_mount(self):
        for name, spec in pod_specs():
            mounted = {mount["name"] for container in spec.get("initContainers", []) + spec["containers"]
                       for mount in container.get("volumeMounts", [])}
            with self.subTest(name):
                self.assertEqual(mounted, {volume["name"] for volume in spec["volumes"]})

    def test_paths_of_the_daemon_are_mounted(self):
        for name, _, container in our_containers():
            mounts = [mount["mountPath"] for mount in container["volumeMounts"]]
            for argument in container["args"]:
                _, _, value = argument.partition("=")
                if not value.startswith("/"):
                    continue
                with self.subTest(name, argument=argument):
                    self.assertTrue(any(value == path or value.startswith(path + "/")
                                        for path in mounts))

    def test_privileges_are_the_documented_ones(self):
        for name, _, container in our_containers():
            context = container["securityContext"]
            with self.subTest(name):
                self.assertEqual(context["capabilities"], CAPABILITIES)
                self.assertEqual((context["privileged"], context["allowPrivilegeEscalation"],
                                  context["readOnlyRootFilesystem"], context["runAsUser"]),
                                 (False, False, True, 0))

    def test_the_kubernetes_api_is_not_asked(self):
        kinds = {document["kind"] for _, document in documents()}
        self.assertFalse({kind for kind in kinds if "Role" in kind})
        for name, spec in pod_specs():
            with self.subTest(name):
                self.assertFalse(spec["automountServiceAccountToken"])


class Schema(unittest.TestCase):
    def test_has_every_setting(self):
        schema = json.loads((ROOT / "deploy/helm/vicinity/values.schema.json").read_text())
        self.assertEqual(set(schema["properties"]["config"]["properties"]),
                         flags_of_vicinityd() - NOT_SETTINGS,
                         "scripts/dev render writes them")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
