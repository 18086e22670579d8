"""The shipped fake: a provider inside this process that can be told to fail in each way.

It keeps its own journal of what reached it, which tests count instead of our tables: in memory, or in a file that
several processes share. What happens to a hand-over is a `Behaviour`, chosen by the script that `play` sets: a name of
BEHAVIOURS or a Behaviour for each hand-over in turn, a mapping by number, or a function of the hand-over. Whatever the
script leaves open is accepted.
"""

import asyncio
import fcntl
import hmac
import json
import os
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime
from threading import Lock
from typing import Any, NamedTuple

import aiohttp

from sms.gateways.contract import (
    WINDOW,
    Accepted,
    BadOptions,
    Forged,
    HandOver,
    NotSent,
    Receipt,
    ReceiptState,
    Refused,
    Relayed,
    Unknown,
    Verdict,
)

SECRET = "X-Memory-Secret"  # noqa: S105 - the name of a header


class Unpreparable(Exception):
    """A hand-over that the fake was told to stumble over before any call."""


class Stumbled(Exception):
    """A call that the fake was told to break off with an exception."""


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What happens to one hand-over: whether it `arrives`, and what `send` answers or raises (None: a yes).

    `prepare` is what prepare raises or returns instead; `seconds` are added to the gateway's latency.
    """

    arrives: bool = True
    answer: Verdict | Exception | None = None
    prepare: Refused | Exception | None = None
    relayed: bool = False
    seconds: float = 0.0


BEHAVIOURS: Mapping[str, Behaviour] = {
    "accept": Behaviour(),
    "relay": Behaviour(relayed=True),
    "slow": Behaviour(seconds=5.0),
    "refuse_connection": Behaviour(arrives=False, answer=NotSent("connection_refused")),
    "throttle": Behaviour(arrives=False, answer=NotSent("throttled", retry_after=7.0)),
    "refuse": Behaviour(arrives=False, answer=Refused("not_possible")),
    "refuse_elsewhere": Behaviour(arrives=False, answer=Refused("no_route", elsewhere=True)),
    "refuse_in_prepare": Behaviour(arrives=False, prepare=Refused("not_possible")),
    "time_out_before": Behaviour(arrives=False, answer=Unknown("time_out")),
    "time_out_after": Behaviour(answer=Unknown("time_out")),
    "reset_before": Behaviour(arrives=False, answer=Unknown("reset")),
    "reset_after": Behaviour(answer=Unknown("reset")),
    "server_error_before": Behaviour(arrives=False, answer=Unknown("http_500")),
    "server_error_after": Behaviour(answer=Unknown("http_500")),
    "garbage": Behaviour(answer=Unknown("unreadable")),
    "no_reference": Behaviour(answer=Unknown("no_usable_reference")),
    "raise_in_prepare": Behaviour(arrives=False, prepare=Unpreparable("as told")),
    "raise_in_send_before": Behaviour(arrives=False, answer=Stumbled("as told")),
    "raise_in_send_after": Behaviour(answer=Stumbled("as told")),
}


class Arrival(NamedTuple):
    """One line of the journal: what reached the fake, by which attempt, and the reference that it gave."""

    reference: str
    number: str
    text: str
    attempt: int
    gateway_reference: str


class Prepared(NamedTuple):
    """A hand-over on its way, and what will happen to it."""

    hand_over: HandOver
    behaviour: Behaviour


Choice = str | Behaviour | None
Script = Iterable[Choice] | Mapping[str, Iterable[Choice]] | Callable[[HandOver], Choice]


class Journal:
    """What reached the fake, in order; in a file where `path` is given. Safe between threads and processes."""

    def __init__(self, path: str = "") -> None:
        self._path = path
        self._lines: list[Arrival] = []
        self._first: dict[str, Arrival] = {}
        self._read_to = 0
        self._lock = Lock()

    def arrivals(self) -> list[Arrival]:
        """Return all that reached the fake, in order."""
        with self._open() as file:
            self._catch_up(file)
            return list(self._lines)

    def add(self, hand_over: HandOver, *, once: bool) -> Arrival:
        """Write one arrival down and return it; with `once`, an earlier one of the same reference stands for it."""
        with self._open() as file:
            self._catch_up(file)
            known = self._first.get(hand_over.reference) if once else None
            return known or self._write(file, hand_over)

    def first(self, reference: str) -> Arrival | None:
        """Return the first arrival of a reference of ours."""
        with self._open() as file:
            self._catch_up(file)
            return self._first.get(reference)

    def _write(self, file: int | None, hand_over: HandOver) -> Arrival:
        arrival = Arrival(
            hand_over.reference,
            hand_over.number,
            hand_over.text,
            hand_over.attempt,
            f"memory-{len(self._lines) + 1}",
        )
        self._keep(arrival)
        if file is not None:
            self._read_to += os.write(file, json.dumps(arrival._asdict()).encode() + b"\n")
        return arrival

    @contextmanager
    def _open(self) -> Iterator[int | None]:
        """Give the locked file, or None where the journal is in memory."""
        with self._lock:
            if not self._path:
                yield None
                return
            file = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                fcntl.flock(file, fcntl.LOCK_EX)
                yield file
            finally:
                os.close(file)

    def _catch_up(self, file: int | None) -> None:
        """Read what other processes have written since."""
        if file is None:
            return
        fresh = os.pread(file, os.fstat(file).st_size - self._read_to, self._read_to)
        self._read_to += len(fresh)
        for line in fresh.splitlines():
            self._keep(Arrival(**json.loads(line)))

    def _keep(self, arrival: Arrival) -> None:
        self._lines.append(arrival)
        self._first.setdefault(arrival.reference, arrival)


@dataclass(frozen=True, kw_only=True)
class Memory:
    """The fake as a gateway. Options: `journal` a file, `latency` seconds before each answer, `script` (see `play`).

    `wait` stands in for asyncio.sleep in tests that would not sleep; `secret` verifies receipts, none without it.
    """

    window: int = WINDOW
    rate: float | None = None
    latency: float = 0.0
    journal: str = ""
    script: Any = ()
    secret: str = field(default="", repr=False)
    dedupes_by_reference: bool = False
    can_query: bool = False
    receipts_carry_reference: bool = True
    wait: Callable[[float], Awaitable[None]] = asyncio.sleep
    _journal: Journal = field(init=False, repr=False, compare=False)
    _chooser: "list[Callable[[HandOver], Choice]]" = field(init=False, repr=False, compare=False, default_factory=list)

    def __post_init__(self) -> None:
        if self.latency < 0:
            raise BadOptions("latency", "must not be less than 0.")
        object.__setattr__(self, "_journal", Journal(self.journal))
        try:
            self.play(self.script)
        except (KeyError, TypeError):
            raise BadOptions("script", f"must be made of {', '.join(BEHAVIOURS)}.") from None

    def play(self, script: Script) -> None:
        """Decide what happens to the hand-overs from now on; raises KeyError for a name that BEHAVIOURS has not."""
        self._chooser[:] = [_chooser(script)]

    def arrivals(self) -> list[Arrival]:
        """Return the journal: all that reached the fake, in order."""
        return self._journal.arrivals()

    def prepare(self, hand_over: HandOver) -> Prepared | Refused:
        """Return the hand-over with what will happen to it; raises where the script says so."""
        behaviour = _behaviour(self._chooser[0](hand_over))
        if isinstance(behaviour.prepare, Exception):
            raise behaviour.prepare
        return behaviour.prepare or Prepared(hand_over, behaviour)

    async def send(self, prepared: Prepared, session: aiohttp.ClientSession | None = None) -> Verdict:
        """Do as the script says. What arrives is in the journal before the wait, so a kill during it is in doubt."""
        hand_over, behaviour = prepared
        arrival = self._journal.add(hand_over, once=self.dedupes_by_reference) if behaviour.arrives else None
        seconds = self.latency + behaviour.seconds
        if seconds:
            await self.wait(seconds)
        if isinstance(behaviour.answer, Exception):
            raise behaviour.answer
        if behaviour.answer or arrival is None:
            return behaviour.answer or Unknown("no_answer")
        return (Relayed if behaviour.relayed else Accepted)(arrival.gateway_reference)

    async def query(self, reference: str, session: aiohttp.ClientSession | None = None) -> Verdict | None:
        """Return the yes for a reference in the journal; None for others, which may be on their way still."""
        found = self._journal.first(reference) if self.can_query else None
        return Accepted(found.gateway_reference) if found else None

    def receipt(
        self, arrival: Arrival, *, state: ReceiptState | None, at: datetime | None = None, refused: str = ""
    ) -> Receipt:
        """Return what the fake would say of an arrival, with the reference that its receipts carry."""
        ours = self.receipts_carry_reference
        return Receipt(
            reference=arrival.reference if ours else "",
            gateway_reference="" if ours else arrival.gateway_reference,
            state=state,
            at=at,
            left=not refused,
            refused=refused,
        )

    def read_receipts(self, *, headers: Mapping[str, str], query: Mapping[str, str], body: bytes) -> Sequence[Receipt]:
        """Return the receipts in a JSON list as `receipts_body` writes it; raises `Forged`, ValueError."""
        if not self.secret or not hmac.compare_digest(self.secret.encode(), headers.get(SECRET, "").encode()):
            raise Forged
        try:
            return [_receipt(said) for said in json.loads(body)]
        except (KeyError, TypeError, AttributeError, RecursionError):
            raise ValueError("not a list of receipts") from None


def receipts_body(receipts: Iterable[Receipt]) -> bytes:
    """Return the JSON by which the fake sends these receipts."""
    return json.dumps([asdict(each) | {"at": each.at and each.at.isoformat()} for each in receipts]).encode()


def _receipt(said: Mapping[str, Any]) -> Receipt:
    state = said["state"] and ReceiptState(said["state"])
    at = said["at"] and datetime.fromisoformat(said["at"])
    return Receipt(said["reference"], said["gateway_reference"], state, at, said["left"], said["refused"])


def _behaviour(choice: Choice) -> Behaviour:
    return choice if isinstance(choice, Behaviour) else BEHAVIOURS[choice or "accept"]


def _chooser(script: Script) -> Callable[[HandOver], Choice]:
    """Return the script as a function; names are looked up now, so that a wrong one is told at once."""
    if isinstance(script, Mapping):
        by_number = {number: deque(map(_behaviour, choices)) for number, choices in script.items()}
        return lambda hand_over: _next(by_number.get(hand_over.number))
    if callable(script):
        return script
    if isinstance(script, str):
        raise TypeError("a script is a list of names")
    in_order = deque(map(_behaviour, script))
    return lambda hand_over: _next(in_order)


def _next(waiting: deque[Behaviour] | None) -> Choice:
    try:
        return waiting.popleft() if waiting is not None else None
    except IndexError:
        return None
