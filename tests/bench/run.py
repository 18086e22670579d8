"""One run of the bench: how large it is, its offices on private databases, and how rounds are measured."""

import gc
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.test import override_settings

from tests import databases
from tests.bench.figures import Figure, Goal
from tests.servers import PROJECT, programs

PHONE = "sms.gateways.phone.Phone"


@dataclass(frozen=True, slots=True)
class Run:
    """The servers' folder, the number of rounds, and whether it is the tiny form of the tests or has the big rows."""

    folder: Path
    rounds: int = 5
    tiny: bool = False
    big: bool = False

    def size(self, normal: int, *, tiny: int) -> int:
        """Return how many of something this run takes."""
        return tiny if self.tiny else normal

    def seconds(self, normal: float, *, tiny: float) -> float:
        """Return how long this run goes on with something."""
        return tiny if self.tiny else normal

    @contextmanager
    def office(self, vendor: str = "postgresql", **gateways: dict[str, Any]) -> Iterator[databases.Database]:
        """A fresh office for this process and its children. Each gateway is the demo's handset with these options."""
        made = databases.on_postgresql if vendor == "postgresql" else databases.on_sqlite
        told = {alias: {"BACKEND": PHONE, "OPTIONS": options} for alias, options in gateways.items()}
        with ExitStack() as stack:
            database = stack.enter_context(made(self.folder))
            stack.enter_context(databases.connected(database))
            if told:
                stack.enter_context(_in_environment("SMS_GATEWAYS", json.dumps(told)))
                stack.enter_context(override_settings(SMS_GATEWAYS=told, SMS_ROUTES=[]))
            yield database

    @contextmanager
    def sink(self) -> Iterator[str]:
        """A provider that accepts all, in a process of its own; yields its address, to be followed by a delay in ms."""
        command = [sys.executable, "-m", "tests.bench.sink"]
        process = subprocess.Popen(
            command, cwd=PROJECT, stdout=subprocess.PIPE, text=True, preexec_fn=programs.follow_parent()
        )
        try:
            assert process.stdout is not None
            yield f"http://127.0.0.1:{int(process.stdout.readline())}/"
        finally:
            process.kill()
            process.wait()

    def processes(
        self, database: databases.Database, count: int, function: Callable[..., Any], *given: Any
    ) -> list[Any]:
        """Call `function` in so many processes at once and return their answers; in the tiny form in this one, once."""
        return [function(*given)] if self.tiny else database.processes(count, function, *given)

    def compare(
        self, name: str, *, unit: str, ours: Callable[[], float], floor: Callable[[], float], goal: Goal | None = None,
        floor_is: str = "", **more: Any,
    ) -> Figure:  # fmt: skip
        """Measure `ours` and the `floor` in turns, once to warm up and then round by round."""
        return self.compare_many({name: ours}, floor, unit=unit, goals={name: goal}, floor_is=floor_is, **more)[0]

    def compare_many(
        self, ours: dict[str, Callable[[], float]], floor: Callable[[], float], *, unit: str,
        goals: dict[str, Goal | None] | None = None, floor_is: str = "", **more: Any,
    ) -> list[Figure]:  # fmt: skip
        """Measure several against one floor, all in turns; `goals` by name."""
        turns: list[Callable[[], float]] = [floor, *ours.values()]
        if not self.tiny:
            for turn in turns:
                turn()
        measured = [[_quiet(turn) for turn in turns] for _round in range(1 if self.tiny else self.rounds)]
        floors, *values = zip(*measured, strict=True)
        return [
            Figure(name, unit, each, floors, (goals or {}).get(name), floor_is, more)
            for name, each in zip(ours, values, strict=True)
        ]

    def measure(
        self, name: str, *, unit: str, once: Callable[[], float], goal: Goal | None = None, **more: Any
    ) -> Figure:
        """Measure what has no floor: its values, round by round."""
        values = [_quiet(once) for _round in range(1 if self.tiny else self.rounds)]
        return Figure(name, unit, values, goal=goal, more=more)


def inside(database: databases.Database, work: Callable[[], float]) -> Callable[[], float]:
    """Return `work` as done in the office of `database`, whichever is this process's own; to compare two of them."""

    def there() -> float:
        with databases.connected(database):
            return work()

    return there


def seconds(work: Callable[[], object]) -> float:
    """Return how long `work` takes."""
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def milliseconds(work: Callable[[], object]) -> float:
    """Return how long `work` takes, in ms."""
    return seconds(work) * 1000


def rate(count: int, work: Callable[[], object]) -> float:
    """Return how many of the `count` that `work` does it does a second."""
    return count / seconds(work)


def _quiet(turn: Callable[[], float]) -> float:
    """Take one turn; rubbish of the turn before is collected first, so that it is not counted here."""
    gc.collect()
    return turn()


@contextmanager
def _in_environment(name: str, told: str) -> Iterator[None]:
    before = os.environ.get(name)
    os.environ[name] = told
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before


def dsn() -> dict[str, Any]:
    """Return how a bare client reaches the office's PostgreSQL of this moment."""
    from django.db import connection

    found = connection.get_connection_params()
    return {name: found[name] for name in ("host", "dbname", "user", "port") if name in found}
