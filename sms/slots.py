"""A gateway's one place at work: taken, renewed and left by a drain; rested where the gateway cannot be reached."""

from datetime import datetime, timedelta

from django.db.models import F, Q

from sms.models import Slot

LEASE = timedelta(seconds=30)
FAILURES_BEFORE_REST = 5
WIDEST = 1_000_000
REST = (timedelta(seconds=5), timedelta(seconds=15), timedelta(seconds=30), timedelta(seconds=60))


def take(alias: str, *, owner: int, now: datetime) -> bool:
    """Take the gateway's slot for `owner` unless another has it; return whether it was taken."""
    Slot.objects.bulk_create([Slot(alias=alias)], ignore_conflicts=True)
    free = Q(owner__isnull=True) | Q(lease_until__lte=now)
    rested = Q(resting_until__isnull=True) | Q(resting_until__lte=now)
    return bool(Slot.objects.filter(free, rested, alias=alias).update(owner=owner, lease_until=now + LEASE))


def renew(alias: str, *, owner: int, now: datetime) -> Slot | None:
    """Return the slot with its lease renewed where a third of it is gone; None where it is no longer `owner`'s."""
    mine = Slot.objects.filter(alias=alias, owner=owner)
    mine.filter(lease_until__lt=now + LEASE * 2 / 3).update(lease_until=now + LEASE)
    return mine.first()


def leave(alias: str, *, owner: int) -> None:
    """Give the slot back."""
    Slot.objects.filter(alias=alias, owner=owner).update(owner=None, lease_until=None)


def room(slot: Slot, *, under_way: int, now: datetime) -> int:
    """Return how many calls may begin: none while held or resting, one at a time after failures, else any number."""
    if slot.held_at or (slot.resting_until and slot.resting_until > now) or _all_held():
        return 0
    return max(0, 1 - under_way) if slot.failures >= FAILURES_BEFORE_REST else WIDEST


def note_answers(alias: str) -> None:
    """Write down that the gateway answered: failures in a row are over."""
    Slot.objects.filter(alias=alias).exclude(failures=0, resting_until=None).update(failures=0, resting_until=None)


def note_failures(alias: str, *, count: int, why: str, retry_after: float | None, now: datetime) -> None:
    """Write down `count` hand-overs that did not get through; past five in a row the gateway rests a while."""
    slot = Slot.objects.get(alias=alias)
    failures = slot.failures + count
    rest = timedelta(seconds=min(retry_after, 3600)) if retry_after else None
    if rest is None and failures >= FAILURES_BEFORE_REST:
        rest = REST[min((failures - FAILURES_BEFORE_REST) // FAILURES_BEFORE_REST, len(REST) - 1)]
    Slot.objects.filter(alias=alias).update(
        failures=F("failures") + count,
        last_error=why[:200],
        last_error_at=now,
        resting_until=now + rest if rest else None,
    )


def _all_held() -> bool:
    return Slot.objects.filter(alias="", held_at__isnull=False).exists()
