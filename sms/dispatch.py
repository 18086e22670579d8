"""Claim, hand over, write down: the loop that empties one gateway's queue.

One loop per gateway, whoever runs it: it holds the gateway's slot by a renewed lease, so the gateway's window and rate
are kept however many workers there are. The database work is done in a thread of its own, in short transactions; none
is open during a call. A row is `sending`, committed, before the first byte leaves; at most two windows of rows are.
"""

import asyncio
import random
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice

import aiohttp
import structlog
from django.conf import settings
from django.db import Error, connection, transaction

from contacts.outage import is_outage
from sms import holding, outcomes, queue_sql, slots
from sms.gateways import configured
from sms.gateways.contract import (
    CALL_SECONDS,
    Accepted,
    Gateway,
    HandOver,
    NotSent,
    Refused,
    Unknown,
    Verdict,
)
from sms.gateways.http import open_session
from sms.outcomes import Outcome

LEASE = timedelta(seconds=60)
CLAIM_ROWS = 500
DATABASE_PATIENCE_SECONDS = 30.0

log = structlog.get_logger(__name__)

Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Call:
    """A delivery marked `sending`: what to hand over, and until when (monotonic seconds) the call may begin."""

    row: queue_sql.Claimed
    hand_over: HandOver
    begin_before: float


@dataclass(frozen=True, slots=True)
class Step:
    """What one turn in the database brought: calls to make, and whether there may be more soon."""

    calls: Sequence[Call] = ()
    lost: bool = False


def drain(alias: str, *, clock: Clock, stop: Callable[[], bool] = lambda: False, until_idle: bool = True) -> int:
    """Hand over what is due at the gateway `alias`; return how many calls were made.

    Returns 0 at once where nothing is due or another loop has the gateway's slot. With `until_idle=False` it stays and
    waits for work until `stop()` is true (a gateway's own process); the calls under way are finished first.
    """
    if until_idle and not _worth_starting(alias, clock()):
        return 0
    owner = random.getrandbits(62)
    if not slots.take(alias, owner=owner, now=clock()):
        return 0
    try:
        with ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"drain-{alias}") as database:
            loop = _Drain(alias, configured.gateway(alias), owner, clock, stop, until_idle, database)
            try:
                return asyncio.run(loop.run())
            finally:
                database.submit(_close_connection).result()
    finally:
        slots.leave(alias, owner=owner)


def _close_connection() -> None:
    connection.close()


def _worth_starting(alias: str, now: datetime) -> bool:
    gateway = configured.gateway(alias)
    return queue_sql.due(alias, now=now) or (
        gateway.dedupes_by_reference and queue_sql.due(alias, now=now, state="unknown")
    )


@dataclass
class _Drain:
    """One gateway's loop: `window` callers take from `_ready`; one recorder writes down and brings the next slice."""

    alias: str
    gateway: Gateway
    owner: int
    clock: Clock
    stop: Callable[[], bool]
    until_idle: bool
    database: Executor
    calls: int = 0
    _token: int = field(default_factory=lambda: random.getrandbits(62))
    _ready: "asyncio.Queue[Call]" = field(default_factory=asyncio.Queue)
    _finished: list[Outcome] = field(default_factory=list)
    _claimed: "deque[queue_sql.Claimed]" = field(default_factory=deque)
    _under_way: int = 0
    _wake: asyncio.Event = field(default_factory=asyncio.Event)
    _next_call: float = 0.0

    async def run(self) -> int:
        async with open_session(window=self.gateway.window) as session:
            callers = [asyncio.create_task(self._make_calls(session)) for _ in range(self.gateway.window)]
            try:
                await self._record_and_refill()
            finally:
                for caller in callers:
                    caller.cancel()
                await asyncio.gather(*callers, return_exceptions=True)
        await asyncio.get_running_loop().run_in_executor(self.database, self._give_back)
        return self.calls

    async def _record_and_refill(self) -> None:
        while True:
            finished, self._finished = self._finished, []
            stopping = self.stop()
            step = await self._in_database(finished, 0 if stopping else self._room(len(finished)))
            self._under_way += len(step.calls) - len(finished)
            for call in step.calls:
                self._ready.put_nowait(call)
            if not self._under_way and not self._finished and not step.calls:
                if stopping or step.lost or self.until_idle:
                    return
                await asyncio.sleep(0.2)
            await self._until_something_finished()

    def _room(self, finished: int) -> int:
        """How many rows may become `sending` now: two windows at most are, and no more than ten seconds of the rate."""
        most = 2 * self.gateway.window
        if self.gateway.rate:
            most = min(most, max(1, int(self.gateway.rate * 10)))
        return max(0, min(most - self._under_way + finished, self.gateway.window))

    async def _until_something_finished(self) -> None:
        """Wait for results; while the callers have a window's half in stock, a little longer for more of them."""
        if not self._under_way:
            return
        try:
            await asyncio.wait_for(self._wake.wait(), timeout=1.0)
        except TimeoutError:
            return
        self._wake.clear()
        if self._ready.qsize() > self.gateway.window // 2:
            await asyncio.sleep(0.005)

    async def _make_calls(self, session: aiohttp.ClientSession) -> None:
        while True:
            call = await self._ready.get()
            await self._keep_rate()
            verdict = await self._call(call, session)
            self._finished.append(Outcome(call.row, call.hand_over.attempt, verdict))
            self._wake.set()

    async def _keep_rate(self) -> None:
        if self.gateway.rate:
            begin = max(self._next_call, time.monotonic())
            self._next_call = begin + 1 / self.gateway.rate
            await asyncio.sleep(begin - time.monotonic())

    async def _call(self, call: Call, session: aiohttp.ClientSession) -> Verdict:
        """Make one call and return its verdict; whatever is raised is a verdict too, so one row blocks no other."""
        try:
            prepared = self.gateway.prepare(call.hand_over)
        except Exception as error:
            return NotSent(f"prepare: {type(error).__name__}")
        if isinstance(prepared, Refused):
            return prepared
        if time.monotonic() > call.begin_before:
            return NotSent("stalled")  # the reaper may have had this row: its word counts, ours is dropped
        self.calls += 1
        try:
            async with asyncio.timeout(CALL_SECONDS):
                return await self.gateway.send(prepared, session)
        except TimeoutError:
            return Unknown("timeout")
        except Exception as error:
            return Unknown(type(error).__name__)

    async def _in_database(self, finished: Sequence[Outcome], room: int) -> Step:
        """Do one turn in the database's thread. What was finished is written down even where the database restarts."""
        give_up = time.monotonic() + DATABASE_PATIENCE_SECONDS
        while True:
            try:
                return await asyncio.get_running_loop().run_in_executor(self.database, self._turn, finished, room)
            except Error as error:
                if time.monotonic() > give_up or not is_outage(error):
                    raise
                log.warning("database_is_away", gateway=self.alias)
                await asyncio.sleep(0.5)

    def _turn(self, finished: Sequence[Outcome], room: int) -> Step:
        """Record the finished calls, refill the stock, mark the next slice: each a short transaction of its own.

        Recording may refund, which locks an account; a transaction that holds an account never takes rows of the
        queue, because a cancel takes them the other way round.
        """
        now = self.clock()
        try:
            with transaction.atomic():
                outcomes.record(self.alias, finished, now=now)
            if room and len(self._claimed) < room:
                self._claim(now)
            with transaction.atomic():
                place = slots.renew(self.alias, owner=self.owner, now=now)
                if place is None:
                    return Step(lost=True)
                calls = self._mark(place.room(room, under_way=self._under_way - len(finished)), now)
        except Error as error:
            if is_outage(error):
                connection.close()
            raise
        return Step(calls)

    def _claim(self, now: datetime) -> None:
        if holding.held(self.alias):
            return
        asked = {"token": self._token, "now": now, "lease_until": now + LEASE}
        limit = max(CLAIM_ROWS - len(self._claimed), 1)
        with transaction.atomic():
            claimed = queue_sql.claim(self.alias, limit=limit, **asked)  # type: ignore[arg-type]
            if self.gateway.dedupes_by_reference:
                claimed += queue_sql.claim_unknown(self.alias, limit=self.gateway.window, **asked)  # type: ignore[arg-type]
            barred = [row.id for row in claimed if not row.may_send]
            ended = queue_sql.refuse(barred, reason="may_not_send", now=now) if barred else []
            outcomes.tell(ended, state="refused", now=now)
        may_send = [row for row in claimed if row.may_send]
        with transaction.atomic():
            allowed = outcomes.within_daily_cap(self.alias, may_send, beside=self._claimed, now=now)
        self._claimed.extend(allowed)

    def _mark(self, room: int, now: datetime) -> list[Call]:
        """Turn the next `room` of the claimed rows `sending` and return their calls."""
        calls: list[Call] = []
        while self._claimed and len(calls) < room:
            slice_ = list(islice(self._claimed, room - len(calls)))
            calls += self._mark_slice(slice_, now)
            for _row in slice_:
                self._claimed.popleft()
        return calls

    def _mark_slice(self, slice_: Sequence[queue_sql.Claimed], now: datetime) -> list[Call]:
        attempts = queue_sql.mark_sending(
            [row.id for row in slice_], token=self._token, now=now, lease_until=now + LEASE
        )
        begin_before = time.monotonic() + LEASE.total_seconds() - CALL_SECONDS - 5
        return [Call(row, self._hand_over(row, attempts[row.id]), begin_before) for row in slice_ if row.id in attempts]

    def _give_back(self) -> None:
        if self._claimed:
            queue_sql.give_back([row.id for row in self._claimed], token=self._token)

    def _hand_over(self, row: queue_sql.Claimed, attempt: int) -> HandOver:
        return HandOver(
            reference=str(row.id), number=row.number, text=row.text, encoding=row.encoding, parts=row.parts,
            sender=settings.SMS_SENDER, attempt=attempt,
        )  # fmt: skip


def ask_unknown(alias: str, *, clock: Clock, limit: int = 100) -> int:
    """Ask a gateway that can be asked what became of deliveries of unknown outcome; return how many it settled."""
    gateway = configured.gateway(alias)
    ids = queue_sql.unknown_to_ask(alias, now=clock(), limit=limit) if gateway.can_query else []
    if not ids:
        return 0
    answers = asyncio.run(_ask_all(gateway, ids))
    sent = [(pk, answer.reference) for pk, answer in answers.items() if isinstance(answer, Accepted)]
    with transaction.atomic():
        queue_sql.record_sent(sent, alias=alias, now=clock())
    return len(sent)


async def _ask_all(gateway: Gateway, ids: Sequence[int]) -> dict[int, Verdict | None]:
    answers: dict[int, Verdict | None] = {}
    async with open_session(window=1) as session:
        for pk in ids:
            try:
                answers[pk] = await gateway.query(str(pk), session)
            except Exception:
                log.warning("gateway_could_not_be_asked", gateway=type(gateway).__name__)
    return answers
