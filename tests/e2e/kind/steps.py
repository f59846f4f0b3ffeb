#!/usr/bin/env python3
"""steps.py SCENARIO RUN: the scenario as lines of words, separated by tabs, for run.sh.

  pin KEY VALUE | service NAMESPACE NAME PORT | client NAME NODE | requests COUNT
  node NAME REGION ZONE SUBZONE
  step NAME yes|no TITLE     yes: under load
  act KIND WORD...
  expect OUTCOME [VERSION,...]
"""
import sys

import yaml

WORDS = {"deploy": ("version", "node"), "relabel": ("node", "zone", "subzone")}


def say(*words):
    print("\t".join(map(str, words)))


def say_action(action):
    (kind, value), = action.items()
    if kind == "upgrade":
        say("act", kind, *(f"{flag}={text}" for flag, text in value.items()))
    elif kind in WORDS:
        say("act", kind, *(value[word] for word in WORDS[kind]))
    else:
        say("act", kind, value)


def main(path, run):
    with open(path, encoding="utf-8") as file:
        scenario = yaml.safe_load(file)
    pins = scenario["runs"][run]
    for key in ("istio", "node-image", "trafficDistribution"):
        say("pin", key, pins[key])
    say("service", *(scenario["service"][key] for key in ("namespace", "name", "port")))
    say("client", scenario["client"]["name"], scenario["client"]["node"])
    say("requests", scenario["requests"])
    for name, place in scenario["nodes"].items():
        say("node", name, place["region"], place["zone"], place["subzone"])
    for step in scenario["steps"]:
        say("step", step["name"], "yes" if step.get("load") else "no", step["title"])
        for action in step["do"]:
            say_action(action)
        answers = step["answers"]
        if isinstance(answers, list):
            say("expect", "answered", ",".join(answers))
        else:
            say("expect", answers)


main(*sys.argv[1:])
