"""The gateway double: a process of its own with a journal of its own, which the checker believes before our tables.

It speaks byte by byte, with the ill behaviours of the adapters' contract (`tests/sms/gateways/provider.py`), drawn
from a seeded mix at each connection. What it takes is one line of an append-only file, written before it answers. A
second port takes the runner's orders, and the questions of a gateway that can be asked.
"""

import asyncio
import gzip
import json
import os
import random
import time
import urllib.request
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.sms.gateways import provider
from tests.sms.gateways.provider import Exchange, Received, Reply

ASIDE = ("accept", "accept_once_then_close_under_the_next", "throttle", "refuse", "refuse_elsewhere")
ILL = [*sorted(set(provider.BEHAVIOURS) - set(ASIDE)), "refused_connection", "slow_yes"]
MOST_AT_ONCE = "most connections at once"
IN_TURN = "each ill way in turn"
HEALTHY = {"accept": 1.0}
_BOMB = gzip.compress(b" " * 5_000_000)


def ill_mix(*, share: float) -> dict[str, float]:
    """A mix in which `share` of the connections goes wrong, in every way there is."""
    return {"accept": 1 - share, IN_TURN: share}


class Journal:
    """What was taken: one line each, in the kernel's hands before the answer leaves (it outlives a kill of anybody)."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self._by_reference: dict[str, int] = {}
        self._lines = 0

    def __len__(self) -> int:
        return self._lines

    def append(self, taken: str) -> None:
        os.write(self._file, f"{taken} {time.time():.3f}\n".encode())
        self._lines += 1
        self._by_reference.setdefault(taken.split()[1], self._lines)

    def place(self, reference: str) -> int | None:
        return self._by_reference.get(reference)


class Dialect:
    """The double's words, as the behaviours use them."""

    def reference(self, received: Received) -> str:
        """What the journal gets of a request: the gateway's alias, our id, the number."""
        said = json.loads(received.body)
        return f"{received.path.strip('/')} {said['id']} {said['to']}"

    def accepted(self, reference: object) -> Reply:
        return Reply(200, json.dumps({"ref": reference}).encode())

    def refused(self) -> Reply:
        return Reply(409)

    def refused_elsewhere(self) -> Reply:
        return Reply(410)

    def throttled(self) -> Reply:
        return Reply(429, headers={"Retry-After": "1"})


@dataclass
class Double:
    """One server; behaves as the orders say."""

    journal: Journal
    rng: random.Random
    words: Dialect = field(default_factory=Dialect)
    mix: dict[str, float] = field(default_factory=lambda: dict(HEALTHY))
    latency: float = 0.0
    seen: "Counter[str]" = field(default_factory=Counter)
    over: asyncio.Event = field(default_factory=asyncio.Event)
    busy: int = 0
    bag: list[str] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        [name] = self.rng.choices(list(self.mix), weights=list(self.mix.values()))
        name = self._next_ill_way() if name == IN_TURN else name
        self.busy += 1
        self.seen[MOST_AT_ONCE] = max(self.seen[MOST_AT_ONCE], self.busy)
        with suppress(asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError, ValueError):
            await self._behave(name, Exchange(self, reader, writer))  # type: ignore[arg-type]
        self.busy -= 1
        writer.close()

    def _next_ill_way(self) -> str:
        """Draw from a shuffled bag, so that even a short run meets every way."""
        if not self.bag:
            self.bag = [way for way in (*ILL, *ASIDE) if way in provider.BEHAVIOURS or way == "slow_yes"]
            self.bag.remove("accept")
            self.rng.shuffle(self.bag)
        return self.bag.pop()

    async def _behave(self, name: str, on: Exchange) -> None:
        if name != "accept":
            self.seen[name] += 1
        own = {"accept": self._accept, "slow_yes": self._slow_yes, "compressed_bomb": self._bomb}
        behave = own.get(name) or provider.BEHAVIOURS[name]
        try:
            await asyncio.wait_for(behave(on), timeout=5)
        except TimeoutError:
            on.reset()

    async def _accept(self, on: Exchange) -> None:
        """Answer a few requests as documented, then say that the connection closes."""
        for left in range(self.rng.randrange(1, 30), 0, -1):
            theirs = await on.take()
            self.seen["accept"] += 1
            if self.latency:
                await asyncio.sleep(self.latency)
            yes = self.words.accepted(theirs)
            last = {"Connection": "close"} if left == 1 else {}
            await on.answer(Reply(yes.status, yes.body, yes.content_type, last))

    async def _slow_yes(self, on: Exchange) -> None:
        """Say yes, as slowly as a call may take and somewhat slower."""
        theirs = await on.take()
        await asyncio.sleep(self.rng.uniform(0.2, 2.5))
        await on.answer(self.words.accepted(theirs))

    async def _bomb(self, on: Exchange) -> None:
        await on.take()
        await on.answer(Reply(200, _BOMB, headers={"Content-Encoding": "gzip"}))


def serve(*, port: int, orders: int, journal: str, seed: int) -> None:
    """Be the double, until killed."""
    asyncio.run(_serve(port, orders, Double(Journal(Path(journal)), random.Random(seed))))


async def _serve(port: int, orders: int, double: Double) -> None:
    desk = _Desk(double, port)
    await desk.open()
    await asyncio.start_server(desk.take_order, "127.0.0.1", orders)
    await asyncio.Event().wait()


@dataclass
class _Desk:
    """Takes orders: GET /asked?id=…, GET /seen, POST /behave {"mix", "latency"}, POST /away, POST /back."""

    double: Double
    port: int
    server: asyncio.Server | None = None

    async def open(self) -> None:
        self.server = await asyncio.start_server(self.double.serve, "127.0.0.1", self.port, backlog=1000)

    async def take_order(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        exchange = Exchange(self.double, reader, writer)  # type: ignore[arg-type]
        with suppress(asyncio.IncompleteReadError, OSError):
            received = await exchange.read()
            answer = json.dumps(await self._do(received)).encode()
            await exchange.answer(Reply(200, answer, headers={"Connection": "close"}))
        writer.close()

    async def _do(self, received: Received) -> Any:
        path, _, asked = received.path.partition("?id=")
        if path == "/asked":
            place = self.double.journal.place(asked)
            return {"ref": f"theirs-{place}"} if place else {}
        if path == "/behave":
            order = json.loads(received.body)
            self.double.mix, self.double.latency = order["mix"], order["latency"]
        elif path == "/away" and self.server:
            self.server.close()
            self.server = None
            self.double.seen["refused_connection"] += 1
        elif path == "/back" and not self.server:
            await self.open()
        return dict(self.double.seen)


@dataclass(frozen=True)
class Orders:
    """The runner's side of the second port."""

    port: int

    def behave(self, mix: dict[str, float], *, latency: float = 0.0) -> None:
        self._order("behave", {"mix": mix, "latency": latency})

    def away(self) -> None:
        """Refuse connections."""
        self._order("away", {})

    def back(self) -> None:
        self._order("back", {})

    def seen(self) -> "Counter[str]":
        """How often each behaviour happened so far."""
        return Counter(self._order("seen", {}))

    def _order(self, path: str, body: Any) -> Any:
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/{path}", json.dumps(body).encode())
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)
