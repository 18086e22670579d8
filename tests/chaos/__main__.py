"""`make chaos`: the fault harness. README.md beside this file says how to read it.

SEED repeats a run, SCALE is 1 (what CI runs) to 20 (the long one), ROWS=R1,R5 picks rows.
"""

import json
import logging
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from subprocess import PIPE
from typing import Any

from tests.chaos import servers as server
from tests.servers import programs

SECONDS_PRECISION = 1
LANES = 2  # a row waits for its processes a third of its time
ROWS = (
    "R2", "M3", "R1", "P10", "R11", "F1", "M1", "R10", "R14", "R3",
    "G1", "R5", "R6", "M8", "G3", "R12", "R8", "R7", "M2", "R4",
)  # fmt: skip


def main() -> int:
    """Run the rows that are asked for, in lanes beside each other; return 1 where one found a violation."""
    seed = int(os.environ.get("SEED") or random.SystemRandom().randrange(10**6))
    scale = float(os.environ.get("SCALE") or 1)
    if sys.argv[1:] == ["lane"]:
        return lane(seed, scale)
    say({"seed": seed, "scale": scale, "repeat": f"make chaos SEED={seed} SCALE={scale:g}"})
    violations = in_lanes(_wanted(), os.environ | {"SEED": str(seed), "SCALE": str(scale)})
    say({"violations": violations})
    return 1 if violations else 0


def _wanted() -> list[str]:
    """The rows by name, the dear ones first, so that no lane begins one while the others have ended."""
    asked = os.environ.get("ROWS")
    return asked.split(",") if asked else list(ROWS)


def in_lanes(names: list[str], environ: Mapping[str, str]) -> int:
    """Run the rows, each in the lane that is free first; return how many violations they found.

    R4 has a lane of its own: it waits for its minute to pass.
    """
    patient = deque(name for name in names if name == "R4")
    others = deque(name for name in names if name != "R4")
    queues = [*[others] * min(LANES, len(others)), *[patient] * len(patient)]
    with ThreadPoolExecutor(max(len(queues), 1)) as threads:
        found = sum(threads.map(lambda queue: drive(queue, environ), queues))
    not_run = [*others, *patient]
    for name in not_run:
        say({"name": name, "violations": ["not run: the lanes ended"]})
    return found + len(not_run)


def drive(queue: deque[str], environ: Mapping[str, str]) -> int:
    """Give the rows of the queue, one after another, to a lane; return how many violations it found."""
    found = 0
    command = [sys.executable, "-m", "tests.chaos", "lane"]
    with subprocess.Popen(
        command, env=environ, text=True, stdin=PIPE, stdout=PIPE, bufsize=1, preexec_fn=programs.follow_parent()
    ) as process:
        assert process.stdin
        assert process.stdout
        for name in _taken_from(queue):
            process.stdin.write(f"{name}\n")
            told = json.loads(process.stdout.readline() or "{}")
            if not told:
                say({"name": name, "violations": ["its lane ended"]})
                return found + 1
            say(told)
            found += len(told["violations"])
        process.stdin.close()
    return found


def _taken_from(queue: deque[str]) -> Iterator[str]:
    with suppress(IndexError):  # the other lane took the last one
        while True:
            yield queue.popleft()


def lane(seed: int, scale: float) -> int:
    """Run each row whose name comes in, in offices on servers of this lane's own, and print its line."""
    folder = Path(tempfile.mkdtemp(prefix="chaos-", dir="/tmp"))
    folder.chmod(0o755)
    servers = server.start(folder)
    try:
        ports = (programs.free_port(), programs.free_port(), programs.free_port())
        enter(folder, ports, servers)
        from tests.chaos import rows
        from tests.chaos.office import World
        from tests.chaos.zygote import Zygote

        world = World(seed, scale, folder, servers, Zygote(folder), ports)
        for line in sys.stdin:
            one(line.strip(), rows.ROWS[line.strip()], world)
    finally:
        servers.stop()
        if not os.environ.get("KEEP"):
            shutil.rmtree(folder, ignore_errors=True)
    return 0


def one(name: str, row: Callable[[Any], Any], world: Any) -> None:
    """Run one row and print its line. What it raises is a violation."""
    begun = time.monotonic()
    try:
        report = row(world)
    except Exception as error:
        traceback.print_exc()
        say({"name": name, "violations": [f"{type(error).__name__}: {error}"[:500]], "seed": world.seed})
        return
    say({**report.line(), "seconds": round(time.monotonic() - begun, SECONDS_PRECISION), "seed": world.seed})


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
