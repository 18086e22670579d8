"""`python -m tests.bench [row …]`: private servers, then each row; one JSON object a line (CONTRACT.md).

Exit code 1 where a row could not be measured; a goal that is not reached is told, and is no error.
"""

import gc
import json
import logging
import os
import sys
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests import servers
from tests.servers import postgresql, programs, redis


def main(wanted: list[str]) -> int:
    servers.prepare_environment()
    os.environ["DJANGO_SETTINGS_MODULE"] = "office.settings"
    folder = Path(os.environ[servers.FOLDER])
    started: list[programs.Server] = []
    try:
        for name, start in (
            ("DATABASE_URL", lambda: postgresql.start(folder, durable=True)),
            ("REDIS_URL", lambda: redis.start(folder)),
        ):
            started.append(start())
            os.environ[name] = started[-1].url
        tell(machine(started))
        return print_rows(wanted, folder)
    except programs.NotInstalled as missing:
        sys.stderr.write(f"{missing}\n")
        return 1
    finally:
        for server in reversed(started):
            server.stop()
        servers.stop_servers()


def print_rows(wanted: list[str], folder: Path) -> int:
    import django

    django.setup()
    logging.disable(logging.INFO)
    gc.freeze()  # as every process of the office does
    from tests.bench import rows
    from tests.bench.run import Run

    try:
        chosen = rows.chosen(wanted)
    except LookupError as none:
        sys.stderr.write(f"{none}\n")
        return 2
    run = Run(folder, big=os.environ.get("BIG") == "1")
    failed = 0
    for name, row in chosen.items():
        for line in lines_of(name, row, run):
            failed += "error" in line
            tell(line)
    return int(failed > 0)


def lines_of(name: str, row: Any, run: Any) -> Iterator[dict[str, Any]]:
    """Yield the lines of a row; where it breaks, the last one tells so and the next row goes on."""
    try:
        for figure in row(run):
            yield figure.line()
    except Exception as error:
        traceback.print_exc()
        yield {"name": name, "error": f"{type(error).__name__}: {error}"[:300]}


def machine(started: list[programs.Server]) -> dict[str, Any]:
    """Return the first line: what all figures depend on."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "name": "machine",
        "value": os.cpu_count(),
        "unit": "cores",
        "floor": None,
        "ratio": None,
        "memory_gb": round(memory),
        "load": round(os.getloadavg()[0], 1),
        "python": sys.version.split()[0],
        "servers": [server.version for server in started],
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def tell(line: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(line, ensure_ascii=False) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main([*sys.argv[1:], *os.environ.get("ROWS", "").replace(",", " ").split()]))
