#!/usr/bin/env python3
"""The tables as bpftool prints the maps, written the way that `vicinityctl dump tables` writes them.

usage: bpftool_tables.py PIN_DIR     (as root)

Knows of the maps only what bpftool says through their BTF and what abi.h says of the fields.
"""
import ipaddress
import json
import struct
import subprocess
import sys
from pathlib import Path

MODES = ["any", "strict", "failover", "passthrough", "prioritized", "distribute"]
ALGORITHMS = ["random", "round_robin", "least_request", "ring_hash", "maglev"]
USED, ALIASES, HAD_WORKLOAD, HEAD, WATCHED = 0x1, 0x4, 0x8, 0x10, 0x20
WEIGHTED, PASS_EMPTY, UNKNOWN_PORT = 0x2, 0x4, 0x10
COLUMN = 65536
NAME_CHARS, MORE_NAME_AT = 64, 8


def generation(pin_dir):
    complete = [path for path in Path(pin_dir).glob("v*/gen-*") if (path / "complete").exists()]
    return max(complete, key=lambda path: int(path.name.removeprefix("gen-")))


def dump(folder, name):
    done = subprocess.run(["bpftool", "-j", "map", "dump", "pinned", folder / name],
                          capture_output=True, check=True)
    return json.loads(done.stdout)


def read(folder, name):
    """The values of an array map, by index: what BTF makes of the bytes."""
    return [entry["formatted"]["value"] for entry in dump(folder, name)]


def address_text(address_be):
    words = address_be if isinstance(address_be, list) else [address_be]
    return ipaddress.ip_address(struct.pack(f"={len(words)}I", *words))


def endpoint_text(slot):
    address = address_text(slot["address_be"])
    port = struct.unpack(">H", struct.pack("=H", slot["port_be"]))[0]
    return f"[{address}]:{port}" if address.version == 6 else f"{address}:{port}"


class Tables:
    def __init__(self, folder):
        dumped = dump(folder, "vic_services")
        self.services = [entry["formatted"]["value"] for entry in dumped]
        self.bytes = [bytes(int(byte, 16) for byte in entry["value"]) for entry in dumped]
        self.slots = [read(folder, "vic_slots4"), read(folder, "vic_slots6")]
        self.aliases = [read(folder, "vic_aliases4"), read(folder, "vic_aliases6")]
        # The port-0 entry of a service's address leads to the service's head.
        self.addresses = {}
        for name in ("vic_frontends4", "vic_frontends6"):
            for bucket in read(folder, name):
                for entry in bucket["entries"]:
                    if entry["view"]["flags"] & UNKNOWN_PORT:
                        head = self.addresses.setdefault(entry["view"]["first"], set())
                        head.add(address_text(entry["address_be"]))

    def name(self, index):
        """A long name goes on in records that are all name (struct vic_service_more)."""
        record, text = self.services[index], self.bytes[index][-NAME_CHARS:]
        more = record["more"]
        while more:
            text += self.bytes[more][MORE_NAME_AT:]
            more = self.services[more]["more"]
        return text[:record["name_length"]].decode()

    def text(self):
        ports, heads = {}, {}
        for index, record in enumerate(self.services):
            if not record["flags"] & USED:
                continue
            name = self.name(index)
            if record["flags"] & HEAD:
                heads[name] = self.addresses.get(index, set())
            else:
                ports.setdefault(name, []).append(record)
        lines = []
        for name in sorted(heads):
            addresses = sorted(heads[name], key=lambda address: (address.version, address.packed))
            lines.append(f"service {name} addresses={','.join(map(str, addresses))}")
            for record in sorted(ports.get(name, []), key=lambda r: (r["port"], r["family"])):
                lines += self.table(record)
        return "\n".join(lines) + "\n"

    def table(self, record):
        flags = record["view_flags"]
        yield (f"  port {record['port']} {('ipv4', 'ipv6')[record['family']]} "
               f"{MODES[record['mode']]} {ALGORITHMS[record['algorithm']]} "
               f"on_empty={'pass' if flags & PASS_EMPTY else 'refuse'}"
               f"{' weighted' if flags & WEIGHTED else ''}"
               f"{'' if record['flags'] & HAD_WORKLOAD else ' never-had-workload'}"
               f"{self.watch(record) if record['flags'] & WATCHED else ''}")
        for i, tier in enumerate(record["tiers"][:record["tier_count"]]):
            yield (f"    tier {i} priority={tier['priority']} load={tier['load_percent']} "
                   f"slots={tier['count']}")
        yield from self.slot_lines(record)

    @staticmethod
    def block(entries, record):
        """Slots with load and those without are two blocks."""
        rest = record["total"] - record["loaded"]
        return (entries[record["first"]:][:record["loaded"]] +
                entries[record["rest"]:][:rest])

    @staticmethod
    def watch(record):
        what = record["parameters"]
        return (f" watch refused={what['refused_in_row']} timeouts={what['timeouts_in_row']} "
                f"suspicion={what['suspicion_ms']}ms most={what['most_suspects']}")

    def slot_lines(self, record):
        slots = self.block(self.slots[record["family"]], record)
        aliases = self.block(self.aliases[record["family"]], record)
        weighted = record["view_flags"] & WEIGHTED
        shares = self.shares(record, aliases)
        for i, slot in enumerate(slots):
            weight = aliases[i]["weight"] if record["flags"] & ALIASES else 1
            line = (f"    slot {i} {endpoint_text(slot)} tier={slot['counter'] & 15} "
                    f"weight={weight} share={shares[i] * 100:.4f}%")
            if weighted and i < record["loaded"]:
                line += f" alias={aliases[i]['threshold']}/{aliases[i]['other']}"
            yield line

    @staticmethod
    def shares(record, aliases):
        loaded, units = record["loaded"], [0] * record["total"]
        for i in range(loaded):
            own = COLUMN
            if record["view_flags"] & WEIGHTED and aliases[i]["other"] != i:
                own = aliases[i]["threshold"]
                units[aliases[i]["other"]] += COLUMN - own
            units[i] += own
        return [unit / (COLUMN * loaded) if loaded else 0 for unit in units]


if __name__ == "__main__":
    sys.stdout.write(Tables(generation(sys.argv[1])).text())
