"""`python -m tests.bench.table < figures`: the lines of `make bench` as the Markdown table of README."""

import json
import sys
from collections.abc import Iterable, Iterator
from typing import Any

HEAD = ("| figure | value | floor | ratio (lowest to highest round) | goal | reached |", "|---|---|---|---|---|---|")


def table(lines: Iterable[str]) -> Iterator[str]:
    """Yield the lines of the table; what is no JSON object, such as words of make, is passed over."""
    read = [json.loads(line) for line in lines if line.startswith("{")]
    for machine in [line for line in read if line["name"] == "machine"]:
        servers = ", ".join(machine["servers"])
        size = f"{machine['value']} cores, {machine['memory_gb']} GB, load {machine['load']:g} at the start"
        yield f"Measured {machine['measured_at'][:10]} on {size}, {servers}."
        yield ""
    yield from HEAD
    for line in read:
        if line["name"] != "machine":
            yield f"| {' | '.join(_cells(line))} |"


def _cells(line: dict[str, Any]) -> list[str]:
    if "error" in line:
        return [line["name"], "not measured", "", "", "", "no"]
    floor = "" if line["floor"] is None else f"{line['floor']:g}"
    spread = "{:g}-{:g}".format(*line["spread"])
    of_ratio = line["ratio"] is not None and not line.get("goal", "").startswith("value")
    compared = f"{line['ratio']:g} ({spread})" if of_ratio else f"({spread})"
    reached = {True: "yes", False: "**no**", None: ""}[line.get("reached")]
    return [line["name"], f"{line['value']:g} {line['unit']}", floor, compared, line.get("goal", ""), reached]


if __name__ == "__main__":
    for written in table(sys.stdin):
        print(written)
