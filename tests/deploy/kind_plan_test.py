#!/usr/bin/env python3
"""tests/e2e/kind/run.sh --plan: it has every step of the scenario, in order, for both pinned runs.

usage: kind_plan_test.py [--manifests RUN]    prints the plan's manifests, for kubernetes-validate
"""
import shlex
import subprocess
import sys
import unittest
from pathlib import Path

import yaml

FOLDER = Path(__file__).resolve().parents[1] / "e2e/kind"
SCENARIO = yaml.safe_load((FOLDER / "scenario.yaml").read_text())


def plan(run):
    done = subprocess.run([FOLDER / "run.sh", "--plan", "--run", run], capture_output=True,
                          text=True, stdin=subprocess.DEVNULL, timeout=60, check=False)
    if done.returncode != 0:
        raise AssertionError(done.stdout[-500:] + done.stderr)
    return done.stdout.splitlines()


def commands(lines):
    return [shlex.split(line[2:]) for line in lines if line.startswith("$ ")]


def manifests(lines):
    """What follows each `kubectl apply -f -`."""
    text, inside = [], False
    for line in lines:
        if line.startswith(("$ ", "== ", "? ")):
            inside = line.endswith(" -f -")
            text.append("---")
        elif inside:
            text.append(line)
    return [document for document in yaml.safe_load_all("\n".join(text)) if document]


class Plan(unittest.TestCase):
    def each(self):
        for run, pins in SCENARIO["runs"].items():
            with self.subTest(run):
                yield pins, plan(run)

    def test_steps_and_their_outcomes_are_those_of_the_scenario(self):
        for _, lines in self.each():
            self.assertEqual([line.split(":")[0][3:] for line in lines if line.startswith("== ")],
                             [step["name"] for step in SCENARIO["steps"]] + ["passed"])
            outcomes = [line.split()[1:] for line in lines if line.startswith("? ")]
            for step, outcome in zip(SCENARIO["steps"], outcomes, strict=True):
                answers = step["answers"]
                wanted = ["answered", ",".join(sorted(answers))] if isinstance(answers, list) else [answers]
                self.assertEqual(outcome, wanted, step["name"])

    def test_versions_are_pinned(self):
        for pins, lines in self.each():
            text = "\n".join(lines)
            self.assertIn(f"--image {pins['node-image']} ", text)
            self.assertEqual(text.count(f"--version {pins['istio']} "), 2)
            self.assertIn(f'\\"{pins["trafficDistribution"]}\\"', text)

    def test_nodes_get_both_subzone_labels(self):
        for _, lines in self.each():
            for command in commands(lines):
                if command[:3] == ["kubectl", "label", "node"]:
                    labels = dict(word.split("=") for word in command if "=" in word)
                    self.assertEqual(labels["topology.kubernetes.io/subzone"],
                                     labels["topology.istio.io/subzone"])

    def test_nothing_captures_the_namespace(self):
        for _, lines in self.each():
            text = "\n".join(lines)
            self.assertNotIn("dataplane-mode=ambient", text)
            self.assertNotIn("istio-injection=enabled", text)

    def test_every_instance_of_the_scenario_is_deployed_where_it_says(self):
        wanted = {action["deploy"]["version"]: action["deploy"]["node"]
                  for step in SCENARIO["steps"] for action in step["do"] if "deploy" in action}
        for _, lines in self.each():
            deployed = {}
            for document in manifests(lines):
                labels = document["metadata"].get("labels", {})
                if document["kind"] == "Deployment" and "version" in labels:
                    spec = document["spec"]["template"]["spec"]
                    deployed[labels["version"]] = spec["nodeSelector"]["kubernetes.io/hostname"]
            self.assertEqual(deployed, wanted)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--manifests"]:
        yaml.safe_dump_all(manifests(plan(sys.argv[2])), sys.stdout)
    else:
        unittest.main(argv=sys.argv[:1])
