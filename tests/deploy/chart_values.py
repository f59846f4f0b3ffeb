#!/usr/bin/env python3
"""Prints chart values that set every setting of vicinityd, by the table of docs/operations.md."""
import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROW = re.compile(r"^\| `--([a-z0-9-]+)` \| (.*?) \| (.*?) \| (.*) \|$")
SAMPLES = {"NAME": "x", "IP": "10.0.0.7", "IP:PORT": "10.0.0.7:53",
           "REGION/ZONE/SUBZONE": "r/z/s", "DIR": "/etc/vicinity/policies",
           "PATH": "/host/sys/fs/cgroup", "NAMESPACE/HOST": "sample/*", "NAMESPACE/POD": "sample/x",
           "HOST:PORT": "127.0.0.1:1",
           "DURATION": "1s", "COUNT": 1}
OVERRIDES = {"flat-network": ["net1", "net2"], "pin-dir": "/host/sys/fs/bpf/other"}


def settings():
    for line in (ROOT / "docs/operations.md").read_text().splitlines():
        row = ROW.match(line)
        # Some take only their default in this version; an empty one is not worth a line.
        if not row or row[1] == "uninstall" or ("this version" in row[4] and not row[3]):
            continue
        yield row[1], OVERRIDES.get(row[1], row[3] or SAMPLES[row[2].split("\\|")[0]])


json.dump({"config": dict(settings()), "policies": {"none.yaml": "# None.\n"}}, sys.stdout)
