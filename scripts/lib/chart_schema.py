#!/usr/bin/env python3
"""chart_schema.py [--check]: writes the settings of vicinityd into the chart's values.schema.json.

The settings are the table of docs/operations.md, which a test compares with the program's own. With
--check nothing is written: exit status 1 says that the file is not what it would be.
"""
import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = ROOT / "deploy/helm/vicinity/values.schema.json"
ROW = re.compile(r"^\| `--([a-z0-9-]+)` \| (.*?) \| (.*?) \| (.*) \|$")
# Set by the value of the same name, and what the settings file itself is.
NOT_SETTINGS = {"uninstall", "config"}


def flags():
    """(name, value) of every flag, in the order of the table."""
    for line in (ROOT / "docs/operations.md").read_text().splitlines():
        row = ROW.match(line)
        if row and row[1] not in NOT_SETTINGS:
            yield row[1], row[2].replace("\\|", "|")


def setting(value):
    words = value.split("|")
    if len(words) > 1 and all(re.fullmatch("[a-z_]+", word) for word in words):
        # YAML reads on and off as true and false.
        return {"enum": words + [word == "on" for word in words if word in ("on", "off")]}
    return {"$ref": "#/$defs/setting"}


def main():
    schema = json.loads(SCHEMA.read_text())
    schema["properties"]["config"]["properties"] = {
        name: setting(value) for name, value in sorted(flags())
    }
    text = json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
    if "--check" not in sys.argv:
        SCHEMA.write_text(text)
    elif text != SCHEMA.read_text():
        sys.exit(f"{SCHEMA.relative_to(ROOT)}: settings differ from docs/operations.md: scripts/dev render")


if __name__ == "__main__":
    main()
