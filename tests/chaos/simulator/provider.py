"""The fake provider of the simulator: ill behaviours by chance, and a journal of its own that judges in the end."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sms.gateways.contract import (
    Accepted,
    HandOver,
    NotSent,
    Receipt,
    ReceiptState,
    Refused,
    Relayed,
    Unknown,
    Verdict,
)
from tests.chaos.simulator.scheduler import Scheduler

# name: how often in a wild history
BEHAVIOURS = {
    "accept": 12,
    "time out before": 2,
    "time out after": 3,
    "reset before": 2,
    "reset after": 3,
    "server error before": 1,
    "server error after": 2,
    "slow, accepted in time": 2,
    "raise before": 1,
    "raise after": 1,
    "refuse": 2,
    "refuse elsewhere": 2,
    "connection refused": 3,
    "throttle": 2,
    "cannot be prepared": 1,
    "refused in prepare": 1,
}


class Stumbled(Exception):
    """The adapter was told to raise."""


@dataclass
class Journal:
    """What reached the telephones, by our reference, and every call that was made; both gateways write into one."""

    left: "Counter[str]" = field(default_factory=Counter)
    calls: "Counter[str]" = field(default_factory=Counter)
    doubtful: set[str] = field(default_factory=set)
    numbers: "Counter[str]" = field(default_factory=Counter)


class Cause:
    """What the two gateways of a history share: its scheduler, journal, waiting receipts and the look at each call."""

    def __init__(self, scheduler: Scheduler, *, wild: bool, look: Callable[[str, HandOver], None]) -> None:
        self.scheduler, self.wild, self.look = scheduler, wild, look
        self.journal = Journal()
        self.receipts: list[tuple[str, Receipt]] = []
        self.names, self.weights = list(BEHAVIOURS), list(BEHAVIOURS.values())

    def behaviour(self) -> str:
        rng = self.scheduler.rng
        name = rng.choices(self.names, self.weights)[0] if self.wild else "accept"
        self.scheduler.sometimes[name] += 1
        return name


@dataclass
class Scripted:
    """A gateway of the simulator. What it can do is drawn anew for each history."""

    name: str
    window: int = 2
    rate: float | None = None
    dedupes_by_reference: bool = False
    can_query: bool = False
    receipts_carry_reference: bool = True
    relays: bool = False
    cause: Any = None
    under_way: int = 0
    most_under_way: int = 0
    given: dict[str, str] = field(default_factory=dict)

    def begin(self, cause: Cause) -> None:
        """Be as a history wants it; an earlier one has left nothing."""
        rng = cause.scheduler.rng
        self.cause, self.given, self.under_way, self.most_under_way = cause, {}, 0, 0
        self.window = rng.choice((1, 2, 3))
        self.rate = rng.choice((None, None, None, 2.0))
        self.dedupes_by_reference = rng.random() < 0.5
        self.relays = rng.random() < 0.25
        self.can_query = rng.random() < 0.3
        self.receipts_carry_reference = rng.random() < 0.7

    def prepare(self, hand_over: HandOver) -> Any:
        behaviour = self.cause.behaviour()
        if behaviour == "cannot be prepared":
            raise Stumbled
        if behaviour == "refused in prepare":
            return Refused("not_possible")
        return hand_over, behaviour

    async def send(self, prepared: Any, session: object) -> Verdict:
        """One call: whether it arrives, when, and what is answered."""
        hand_over, behaviour = prepared
        scheduler: Scheduler = self.cause.scheduler
        actor = scheduler.at_work
        self.cause.look(self.name, hand_over)
        self.cause.journal.calls[hand_over.reference] += 1
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        if actor:
            actor.calling.add(hand_over.reference)
        try:
            return await self._answer(hand_over, behaviour, scheduler)
        finally:
            self.under_way -= 1
            if actor and not actor.dead:
                actor.calling.discard(hand_over.reference)

    async def _answer(self, hand_over: HandOver, behaviour: str, scheduler: Scheduler) -> Verdict:
        rng = scheduler.rng
        if rng.random() < 0.5:
            await asyncio.sleep(rng.choice((0.0, 0.05, 2.0)))
        if behaviour.endswith("before"):
            return await self._in_doubt(behaviour, hand_over, rng)
        if behaviour == "connection refused":
            return NotSent("connection_refused")
        if behaviour == "throttle":
            return NotSent("throttled", retry_after=rng.choice((3.0, 90.0)))
        if behaviour.startswith("refuse"):
            return Refused("not_possible", elsewhere=behaviour.endswith("elsewhere"))
        reference = self._relay(hand_over, rng) if self.relays else self._arrive(hand_over)
        if behaviour == "slow, accepted in time":
            await asyncio.sleep(15.0)
        elif behaviour.endswith("after"):
            return await self._in_doubt(behaviour, hand_over, rng)
        elif rng.random() < 0.5:
            await asyncio.sleep(0.1)  # a kill in here finds it accepted, and the answer lost
        return (Relayed if self.relays else Accepted)(reference)

    async def _in_doubt(self, behaviour: str, hand_over: HandOver, rng: Any) -> Verdict:
        self.cause.journal.doubtful.add(hand_over.reference)
        if behaviour.startswith("time out"):
            await asyncio.sleep(30.0)
        if behaviour.startswith("raise"):
            raise Stumbled
        await asyncio.sleep(0.0)
        return Unknown(behaviour.split(maxsplit=1)[0])

    def _arrive(self, hand_over: HandOver) -> str:
        """Write into the journal that it left; the same reference again stays one where the gateway says so."""
        ours = hand_over.reference
        if self.dedupes_by_reference and ours in self.given:
            self.cause.scheduler.sometimes["de-duplicated"] += 1
            return self.given[ours]
        theirs = self.given.setdefault(ours, f"{self.name}-{len(self.given) + 1}")
        self._leave(hand_over)
        self._promise_receipts(ours, theirs)
        return theirs

    def _leave(self, hand_over: HandOver) -> None:
        self.cause.journal.left[hand_over.reference] += 1
        self.cause.journal.numbers[hand_over.number] += 1

    def _relay(self, hand_over: HandOver, rng: Any) -> str:
        """Software of our own house has taken it; the operator says yes or no later, or nothing at all."""
        ours = hand_over.reference
        if ours in self.given and self.dedupes_by_reference:
            return self.given[ours]
        self.cause.scheduler.sometimes["relayed"] += 1
        theirs = self.given.setdefault(ours, f"{self.name}-{len(self.given) + 1}")
        says = rng.choice(("yes", "no", "nothing", "lost"))
        if says in ("yes", "nothing"):
            self._leave(hand_over)
        if says == "yes":
            self._promise_receipts(ours, theirs, surely=True)
        elif says == "no":
            self.cause.receipts.append((self.name, self._receipt(ours, theirs, None, refused="rejected")))
        if says != "yes":
            self.cause.journal.doubtful.add(ours)
        return theirs

    def _promise_receipts(self, ours: str, theirs: str, *, surely: bool = False) -> None:
        rng = self.cause.scheduler.rng
        for state in (ReceiptState.BUFFERED, ReceiptState.DELIVERED, ReceiptState.UNDELIVERED):
            if surely or rng.random() < 0.3:
                self.cause.receipts.append((self.name, self._receipt(ours, theirs, state)))

    def _receipt(self, ours: str, theirs: str, state: ReceiptState | None, *, refused: str = "") -> Receipt:
        at: datetime = self.cause.scheduler.now()
        named = (ours, "") if self.receipts_carry_reference else ("", theirs)
        return Receipt(*named, state=state, at=at, left=not refused, refused=refused)

    async def query(self, reference: str, session: object) -> Verdict | None:
        self.cause.scheduler.sometimes["asked"] += 1
        found = self.given.get(reference) if self.cause.journal.left[reference] else None
        return Accepted(found) if found else None

    def read_receipts(self, *, headers: Mapping[str, str], query: Mapping[str, str], body: bytes) -> Sequence[Receipt]:
        raise NotImplementedError("receipts come in by `receipts.keep` here")
