"""The private office of one row: its own database, its own journal, its processes; all gone when the row ends."""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import redis
from django.db import connection

from tests import databases
from tests.chaos import pace
from tests.chaos.gateway_double import Orders
from tests.chaos.servers import Servers
from tests.chaos.zygote import Child, Zygote
from tests.servers import programs

SETTLE_JUMP = pace.ROW_LEASE.total_seconds() + 1
CLOCKS = ("settling",)


class TooSlow(AssertionError):
    """Something that had to happen did not, in the time that it may take."""


@dataclass(frozen=True)
class World:
    """What all rows of one run share. `scale` multiplies the figures; `ports` are those of the double and the web."""

    seed: int
    scale: float
    folder: Path
    servers: Servers
    zygote: Zygote
    ports: tuple[int, int, int]

    def figure(self, long_run: int, *, at_least: int = 1) -> int:
        """The share of a figure of FAULTS.md that this run does: a third of it at SCALE=20, a two-hundredth at 1."""
        return max(at_least, round(long_run / 3 * (self.scale / 20) ** 1.4))


@dataclass
class Office:
    """One row's office."""

    world: World
    name: str
    rng: random.Random
    folder: Path
    orders: Orders
    double: Child
    children: list[Child] = field(default_factory=list)

    @property
    def journal(self) -> Path:
        return self.folder / "journal"

    @property
    def web_port(self) -> int:
        return self.world.ports[2]

    def start(self, function: str, **arguments: Any) -> Child:
        """Start one of the functions of `processes`, or any function by its dotted name."""
        name = function if "." in function else f"tests.chaos.processes.{function}"
        child = self.world.zygote.start(name, **arguments)
        self.children.append(child)
        return child

    def call(self, function: str, **arguments: Any) -> Any:
        return self.start(function, **arguments).result()

    def kill_all(self) -> None:
        for child in self.children:
            child.kill()
        self.children.clear()

    def settle(self, *, setup: Any = (), jump: float = SETTLE_JUMP) -> None:
        """Everybody is dead and all leases have ended: do what is due until nothing is."""
        self.kill_all()
        self.orders.back()
        self.orders.behave({"accept": 1.0})
        pace.jump(self.folder, CLOCKS, jump)
        clock = ("tests.chaos.pace.move_clocks", {"folder": str(self.folder), "name": "settling"})
        self.call("settle", setup=[*setup, clock])


@contextmanager
def open_office(world: World, name: str) -> Iterator[Office]:
    """A fresh office for the row `name`; the runner's own Django connection is to its database."""
    folder = world.folder / f"{name}-{time.monotonic_ns()}"
    folder.mkdir()
    redis.Redis.from_url(world.servers.redis_url).flushall()
    with databases.on_postgresql(world.folder) as database, databases.connected(database):
        world.zygote.database = database.url
        orders = Orders(world.ports[1])
        double = start_double(world, folder)
        office = Office(world, name, random.Random(f"{world.seed}:{name}"), folder, orders, double)
        try:
            yield office
        finally:
            office.kill_all()
            double.kill()
            world.zygote.database = ""
            connection.close()


def start_double(world: World, folder: Path) -> Child:
    port, orders, _web = world.ports
    double = world.zygote.start(
        "tests.chaos.gateway_double.serve", port=port, orders=orders, journal=str(folder / "journal"), seed=world.seed
    )
    wait_for(lambda: programs.accepts(orders), what="the gateway double")
    return double


def wait_for(happened: Callable[[], Any], *, what: str, seconds: float = 60, every: float = 0.02) -> float:
    """Wait until `happened()`; return how many seconds it took. Raises TooSlow."""
    begun = time.monotonic()
    while not happened():
        if time.monotonic() > begun + seconds:
            raise TooSlow(f"{what}: not within {seconds:g} seconds")
        time.sleep(every)
    return time.monotonic() - begun
