#!/usr/bin/env python3
"""The queries of the dashboard and of the alerts name only series that docs/metrics.md has.

usage: queries_test.py [--rules|--list]
  --rules  prints the dashboard's queries as rules, for promtool
  --list   prints each query of the dashboard, and what each alert compares, one a line
"""
import json
import re
import sys
import unittest
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
DASHBOARD = ROOT / "deploy/grafana/vicinity.json"
RULES = ROOT / "deploy/prometheus/vicinity-rules.yaml"
RULES_TEST = ROOT / "deploy/prometheus/vicinity-rules-test.yaml"
PAGE = ROOT / "docs/metrics.md"
# What Grafana puts in.
VARIABLES = {"$__rate_interval": "5m", "$node": ".*"}


def dashboard_queries():
    """(panel's title, query) of every target."""
    for panel in json.loads(DASHBOARD.read_text())["panels"]:
        for target in panel.get("targets", []):
            query = target["expr"]
            for variable, value in VARIABLES.items():
                query = query.replace(variable, value)
            yield panel["title"], query


def alerts():
    for group in yaml.safe_load(RULES.read_text())["groups"]:
        for rule in group["rules"]:
            yield rule["alert"], rule["expr"]


class Queries(unittest.TestCase):
    def test_series_are_documented(self):
        known = set(re.findall(r"^\| `(vicinity_\w+)` \|", PAGE.read_text(), re.M))
        known |= {f"{name}_bucket" for name in known}
        self.assertGreater(len(known), 20)
        for name, query in [*dashboard_queries(), *alerts()]:
            with self.subTest(name):
                self.assertLessEqual(set(re.findall(r"vicinity_\w+", query)), known)
                self.assertNotIn("$", query)

    def test_every_alert_is_explained_and_has_a_test(self):
        page, tests = PAGE.read_text(), yaml.safe_load(RULES_TEST.read_text())["tests"]
        fired = {case["alertname"] for test in tests for case in test["alert_rule_test"]
                 if case["exp_alerts"]}
        silent = {case["alertname"] for test in tests for case in test["alert_rule_test"]
                  if not case["exp_alerts"]}
        for name, _ in alerts():
            with self.subTest(name):
                self.assertIn(f"| `{name}` |", page)
                self.assertIn(name, fired)
                self.assertIn(name, silent)


if __name__ == "__main__":
    if sys.argv[1:] == ["--rules"]:
        yaml.safe_dump({"groups": [{"name": "dashboard", "rules": [
            {"record": f"dashboard:query{i}", "expr": query}
            for i, (_, query) in enumerate(dashboard_queries())]}]}, sys.stdout)
    elif sys.argv[1:] == ["--list"]:
        for _, query in dashboard_queries():
            print(query)
        for _, query in alerts():
            print(re.sub(r" (==|>) \d+$", "", query))
    else:
        unittest.main(argv=sys.argv[:1])
