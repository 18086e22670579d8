"""What time does to deliveries and plans: leases that end, validities that pass, outcomes that nobody settles.

Every step is "do what is due": safe to run twice, at once, late or never.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from contacts import fault
from sms import continuity, outcomes, queue_sql, releasing, slots
from sms.gateways import configured

UNKNOWN_FOR = timedelta(hours=24)
RELAYED_FOR = timedelta(hours=1)
BATCH = 500


@dataclass(frozen=True, slots=True)
class Swept:
    """How many deliveries, and planned messages, a sweep moved."""

    reaped: int
    doubted: int
    expired: int
    given_up: int
    released: int


def sweep(*, now: datetime) -> Swept:
    """Move everything whose time has come."""
    continuity.note(now=now)
    aliases = list(settings.SMS_GATEWAYS)
    if aliases:
        queue_sql.reroute(aliases, to=aliases[0])
    fault.hit("sweeper.rerouted")
    fail_over(now=now)
    fault.hit("sweeper.failed_over")
    reaped = queue_sql.reap(now=now)
    fault.hit("sweeper.reaped")
    doubted = queue_sql.doubt_relayed(since=now - RELAYED_FOR, now=now)
    fault.hit("sweeper.doubted")
    return Swept(reaped, doubted, expire(now=now), give_up_unknown(now=now), release(now=now))


def fail_over(*, now: datetime) -> int:
    """Move what waits at gateways that could not be reached to the next of their routes; return how many (S10).

    What comes for such a gateway after its rest tries it again, one call at a time.
    """
    away = slots.away(now=now)
    return sum(
        queue_sql.move_waiting(alias, configured.fallbacks(alias, without=away), now=now)
        for alias in slots.resting(now=now)
    )


def expire(*, now: datetime) -> int:
    """End, refund and tell of what waited past its validity, batch after batch (promise 6)."""
    return _in_batches("expired", lambda: queue_sql.expire(now=now, limit=BATCH), now=now)


def give_up_unknown(*, now: datetime) -> int:
    """End, refund and tell of what has been unknown for 24 hours (promise 4, N16)."""
    since = now - UNKNOWN_FOR
    return _in_batches("unconfirmed", lambda: queue_sql.give_up_unknown(since=since, now=now, limit=BATCH), now=now)


def release(*, now: datetime) -> int:
    """Accept planned messages whose moment has come; tell once of those that could not be paid (promise 7)."""
    released = 0
    while True:
        with transaction.atomic():
            batch = releasing.release_due(now=now)
            for each in batch:
                told = each.reason or ("left_out" if each.left_out else "")
                if told:
                    outcomes.tell([queue_sql.Ended(0, each.message.pk)], state=told, now=now)
            fault.hit("sweeper.released")
        fault.hit("sweeper.release_committed")
        released += len(batch)
        if not batch:
            return released


def _in_batches(state: str, end: Callable[[], list[queue_sql.Ended]], *, now: datetime) -> int:
    total = 0
    while True:
        with transaction.atomic():
            ended = end()
            outcomes.tell(ended, state=state, now=now)
            fault.hit("sweeper.ended")
        fault.hit("sweeper.end_committed")
        total += len(ended)
        if len(ended) < BATCH:
            return total
