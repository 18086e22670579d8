"""`make chaos`: the fault harness. README.md beside this file says how to read it.

SEED repeats a run, SCALE is 1 (what CI runs) to 20 (the long one), ROWS=R1,R5 picks rows.
"""

import json
import logging
import os
import random
import shutil
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tests.chaos import servers as server
from tests.servers import programs

SECONDS_PRECISION = 1


def main() -> int:
    seed = int(os.environ.get("SEED") or random.SystemRandom().randrange(10**6))
    scale = float(os.environ.get("SCALE") or 1)
    folder = Path(tempfile.mkdtemp(prefix="chaos-", dir="/tmp"))
    folder.chmod(0o755)
    servers = server.start(folder)
    try:
        return run(seed, scale, os.environ.get("ROWS", ""), folder, servers)
    finally:
        servers.stop()
        if not os.environ.get("KEEP"):
            shutil.rmtree(folder, ignore_errors=True)


def run(seed: int, scale: float, wanted: str, folder: Path, servers: server.Servers) -> int:
    ports = (programs.free_port(), programs.free_port(), programs.free_port())
    enter(folder, ports, servers)
    from tests.chaos import rows
    from tests.chaos.office import World
    from tests.chaos.zygote import Zygote

    world = World(seed, scale, folder, servers, Zygote(folder), ports)
    names = wanted.split(",") if wanted else list(rows.ROWS)
    say({"seed": seed, "scale": scale, "repeat": f"make chaos SEED={seed} SCALE={scale:g}"})
    violations = beside(world, names, lambda rest: sum(one(name, rows.ROWS[name], world) for name in rest))
    say({"violations": violations})
    return 1 if violations else 0


def beside(world: Any, names: list[str], others: Callable[[list[str]], int]) -> int:
    """Run the other rows while R4 waits for its minute to pass; return how many violations there were."""
    from tests.chaos import rows_time

    if "R4" not in names:
        return others(names)
    with rows_time.household(world.folder) as there, ThreadPoolExecutor(1) as thread:
        stopping = thread.submit(there.stop_worker)
        found = others([name for name in names if name != "R4"])

        def judge(_world: Any) -> Any:
            stopping.result()
            return there.judge()

        return found + one("R4", judge, world)


def one(name: str, row: Callable[[Any], Any], world: Any) -> int:
    """Run one row and print its line; return how many violations it found. What it raises is one."""
    begun = time.monotonic()
    try:
        report = row(world)
    except Exception as error:
        traceback.print_exc()
        say({"name": name, "violations": [f"{type(error).__name__}: {error}"[:500]], "seed": world.seed})
        return 1
    say({**report.line(), "seconds": round(time.monotonic() - begun, SECONDS_PRECISION), "seed": world.seed})
    return len(report.violations)


def enter(folder: Path, ports: tuple[int, int, int], servers: server.Servers) -> None:
    """Set Django up for the offices of this run, and for nothing of the person at the keyboard."""
    for name in [name for name in os.environ if name.startswith(("SMS_", "API_", "DJANGO_", "MAKE")) or name == "DEMO"]:
        del os.environ[name]
    os.environ |= {"DATABASE_URL": servers.postgres.url, "REDIS_URL": servers.redis_url}
    from tests.chaos.settings import environment

    os.environ |= environment(folder, ports)
    import django

    django.setup()
    logging.disable(logging.INFO)  # a line for each of a million SMS is of no use to anybody
    for module in PRELOADED:
        __import__(module)


PRELOADED = (
    "aiohttp", "celery.apps.beat", "celery.apps.worker", "celery.concurrency.thread", "gunicorn.app.wsgiapp",
    "gunicorn.workers.gthread", "kombu.transport.redis", "office.celery", "django.core.wsgi", "office.urls", "psycopg2",
    "phonenumbers", "tests.chaos.processes",
)  # fmt: skip


def say(line: dict[str, Any]) -> None:
    print(json.dumps(line, ensure_ascii=False), flush=True)


if __name__ == "__main__":
    sys.exit(main())
