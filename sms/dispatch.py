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
from typing import Any

import aiohttp
import structlog
from django.conf import settings
from django.db import Error, connection, transaction

from contacts import fault
from contacts.outage import is_outage
from sms import continuity, holding, outcomes, queue_sql, slots
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
CLAIM_SECONDS = 0.25  # a claim takes what lasts so long at the pace of now: what is more urgent waits no longer
LOOK_EVERY = 0.1  # seconds, while the callers are busy: for what has ended, and for what has come
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
    if until_idle and not _is_anything_due(alias, now=clock()):
        return 0
    owner = random.getrandbits(62)
    if not slots.take(alias, owner=owner, now=clock()):
        return 0
    fault.hit("dispatch.slot_taken")
    try:
        with ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"drain-{alias}") as database:
            loop = _Drain(alias, configured.gateway(alias), owner, clock, stop, until_idle, database)
            try:
                return asyncio.run(loop.run())
            finally:
                database.submit(_close_connection).result()
    finally:
        slots.leave(alias, owner=owner)
        fault.hit("dispatch.slot_left")


def _close_connection() -> None:
    connection.close()


def _is_anything_due(alias: str, *, now: datetime) -> bool:
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
    _claimed_at: tuple[float, int] = (0.0, 0)
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
            self._wake.clear()
            stopping = self.stop()
            step = await self._in_database(finished, 0 if stopping else self._room(len(finished)))
            self._log(finished)
            self._under_way += len(step.calls) - len(finished)
            for call in step.calls:
                self._ready.put_nowait(call)
            if not self._under_way and not self._finished and not step.calls:
                if stopping or step.lost or self.until_idle:
                    return
                await asyncio.sleep(0.2)
            await self._until_worth_a_turn()

    def _log(self, finished: Sequence[Outcome]) -> None:
        """Say how each call ended, as message/delivery/attempt: the delivery's id is what the gateway's own log has."""
        ended: dict[str, list[str]] = {}
        for each in finished:
            call = f"{each.row.message_id}/{each.id}/{each.attempt}"
            ended.setdefault(type(each.verdict).__name__.lower(), []).append(call)
        if ended:
            log.info("handed_over", gateway=self.alias, calls=ended)

    def _room(self, finished: int) -> int:
        """How many rows may become `sending` now: two windows at most are, and no more than ten seconds of the rate."""
        most = 2 * self.gateway.window
        if self.gateway.rate:
            most = min(most, max(1, int(self.gateway.rate * 10)))
        return max(0, min(most - self._under_way + finished, self.gateway.window))

    async def _until_worth_a_turn(self) -> None:
        """Wait until half the window has answered, or until the callers have nothing in stock."""
        if not self._under_way or self._is_worth_a_turn():
            return
        try:
            await asyncio.wait_for(self._wake.wait(), LOOK_EVERY)
        except TimeoutError:
            return

    def _is_worth_a_turn(self) -> bool:
        return bool(self._finished) and (len(self._finished) * 2 >= self.gateway.window or self._ready.empty())

    async def _make_calls(self, session: aiohttp.ClientSession) -> None:
        while True:
            call = await self._ready.get()
            await self._keep_rate()
            outcome = await self._attempt(call, session)
            self._finished.append(outcome)  # the list is another by now than when the attempt began
            if self._is_worth_a_turn():
                self._wake.set()

    async def _keep_rate(self) -> None:
        if self.gateway.rate:
            begin = max(self._next_call, time.monotonic())
            self._next_call = begin + 1 / self.gateway.rate
            await asyncio.sleep(begin - time.monotonic())

    async def _attempt(self, call: Call, session: aiohttp.ClientSession) -> Outcome:
        """Prepare and make one call; whatever is raised is a verdict too, so one row blocks no other."""
        row, attempt = call.row, call.hand_over.attempt
        try:
            prepared = self.gateway.prepare(call.hand_over)
        except Exception as error:
            return Outcome(row, attempt, NotSent(f"prepare: {type(error).__name__}"), called=False)
        if isinstance(prepared, Refused):
            return Outcome(row, attempt, prepared, called=False)
        if time.monotonic() > call.begin_before:  # the reaper may have had this row: its word counts, ours is dropped
            return Outcome(row, attempt, NotSent("stalled"), called=False)
        return Outcome(row, attempt, await self._call(prepared, session))

    async def _call(self, prepared: Any, session: aiohttp.ClientSession) -> Verdict:
        self.calls += 1
        fault.hit("dispatch.before_call")
        try:
            async with asyncio.timeout(CALL_SECONDS):
                return await self.gateway.send(prepared, session)
        except TimeoutError:
            return Unknown("timeout")
        except Exception as error:
            return Unknown(type(error).__name__)
        finally:
            fault.hit("dispatch.after_call")

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
        """Record the finished calls, refill the stock, mark the next slice, in short transactions.

        Recording may refund, which locks an account; a transaction that holds an account never takes rows of the
        queue, because a cancel takes them the other way round. What was only accepted is recorded with the next slice.
        """
        now = self.clock()
        accepted = outcomes.all_accepted(finished)
        try:
            if not accepted:
                with transaction.atomic():
                    self._record(finished, now)
                fault.hit("dispatch.record_committed")
            if room and len(self._claimed) < room:
                self._claim(now)
            with transaction.atomic():
                if accepted:
                    self._record(finished, now)
                place = slots.renew(self.alias, owner=self.owner, now=now)
                if place is None:
                    return Step(lost=True)
                if place.is_in_doubt and accepted and finished:
                    slots.note_answers(self.alias)
                calls = self._mark(place.room(room, under_way=self._under_way - len(finished)), now)
                fault.hit("dispatch.marked")
            fault.hit("dispatch.mark_committed")
        except Error as error:
            if is_outage(error):
                connection.close()
            raise
        return Step(calls)

    def _record(self, finished: Sequence[Outcome], now: datetime) -> None:
        fault.hit("dispatch.before_record")
        outcomes.record(self.alias, finished, now=now)
        fault.hit("dispatch.recorded")

    def _claim(self, now: datetime) -> None:
        """Lease what is due. An empty queue is asked ten times a second while calls are under way: one read tells."""
        if not _is_anything_due(self.alias, now=now):
            return
        continuity.check(now=now)
        if holding.held(self.alias):
            return
        asked = {"token": self._token, "now": now, "lease_until": now + LEASE}
        limit = max(self._claim_rows() - len(self._claimed), 1)
        with transaction.atomic():
            claimed = queue_sql.claim(self.alias, limit=limit, **asked)  # type: ignore[arg-type]
            if self.gateway.dedupes_by_reference:
                claimed += queue_sql.claim_unknown(self.alias, limit=self.gateway.window, **asked)  # type: ignore[arg-type]
            barred = [row.id for row in claimed if not row.may_send]
            ended = queue_sql.refuse(barred, reason="may_not_send", now=now) if barred else []
            outcomes.tell(ended, state="refused", now=now)
            fault.hit("dispatch.claimed")
        fault.hit("dispatch.claim_committed")
        self._forget_stale(claimed)
        may_send = [row for row in claimed if row.may_send]
        with transaction.atomic():
            allowed = outcomes.within_daily_cap(self.alias, may_send, beside=self._claimed, now=now)
            fault.hit("dispatch.capped")
        fault.hit("dispatch.cap_committed")
        self._claimed.extend(allowed)

    def _forget_stale(self, claimed: Sequence[queue_sql.Claimed]) -> None:
        """Drop what was claimed before and waited past its lease: it is here anew, and may have been with another."""
        fresh = {row.id for row in claimed}
        self._claimed = deque(row for row in self._claimed if row.id not in fresh)

    def _claim_rows(self) -> int:
        """How many rows to have in stock: what lasts CLAIM_SECONDS at the pace since the claim before."""
        (at, calls), self._claimed_at = self._claimed_at, (time.monotonic(), self.calls)
        pace = (self.calls - calls) / max(time.monotonic() - at, 0.001)
        return max(2 * self.gateway.window, min(int(pace * CLAIM_SECONDS), CLAIM_ROWS))

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
        fault.hit("dispatch.before_give_back")
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
    fault.hit("dispatch.asked")
    sent = [(pk, answer.reference) for pk, answer in answers.items() if isinstance(answer, Accepted)]
    if sent:
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
