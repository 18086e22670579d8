"""A gateway's one place at work: taken, renewed and left by a drain; rested where the gateway cannot be reached."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection
from django.db.models import F, Q

from sms.holding import ALL
from sms.models import Slot

LEASE = timedelta(seconds=30)
FAILURES_BEFORE_REST = 5
# Asked a hundred times a second while a list goes out, so in SQL: failures, in doubt, rests or is held, to be renewed.
LOOK = """SELECT own.failures, own.resting_until IS NOT NULL,
        coalesce(own.resting_until > %s, false) OR own.held_at IS NOT NULL OR office.held_at IS NOT NULL,
        coalesce(own.lease_until < %s, true)
    FROM sms_slot own LEFT JOIN sms_slot office ON office.alias = %s WHERE own.alias = %s AND own.owner = %s"""
REST = (timedelta(seconds=5), timedelta(seconds=15), timedelta(seconds=30), timedelta(seconds=60))


@dataclass(frozen=True, slots=True)
class Place:
    """What the owner of a slot may do: nothing while it `rests` (or is held), one call at a time while it `tries`.

    `is_in_doubt`: failures in a row are counted, which an answer ends.
    """

    rests: bool
    tries: bool
    is_in_doubt: bool

    def room(self, wanted: int, *, under_way: int) -> int:
        """Return how many of the `wanted` calls may begin beside those `under_way`."""
        if self.rests:
            return 0
        return min(wanted, max(0, 1 - under_way)) if self.tries else wanted


def take(alias: str, *, owner: int, now: datetime) -> bool:
    """Take the gateway's slot for `owner` unless another has it; return whether it was taken."""
    free = Q(owner__isnull=True) | Q(lease_until__lte=now)
    rested = Q(resting_until__isnull=True) | Q(resting_until__lte=now)
    to_be_had = Slot.objects.filter(free, rested, alias=alias)
    lease = {"owner": owner, "lease_until": now + LEASE}
    if to_be_had.update(**lease):
        return True
    if Slot.objects.filter(alias=alias).exists():
        return False
    Slot.objects.bulk_create([Slot(alias=alias)], ignore_conflicts=True)
    return bool(to_be_had.update(**lease))


def renew(alias: str, *, owner: int, now: datetime) -> Place | None:
    """Return the place with its lease renewed where a third of it is gone; None where it is no longer `owner`'s."""
    at = connection.ops.adapt_datetimefield_value
    with connection.cursor() as cursor:
        cursor.execute(LOOK, [at(now), at(now + LEASE * 2 / 3), ALL, alias, owner])
        found = cursor.fetchone()
    if found is None:
        return None
    failures, was_resting, rests, ends_soon = found
    if ends_soon:
        Slot.objects.filter(alias=alias, owner=owner).update(lease_until=now + LEASE)
    in_doubt = bool(failures or was_resting)
    return Place(rests=bool(rests), tries=failures >= FAILURES_BEFORE_REST, is_in_doubt=in_doubt)


def away(*, now: datetime) -> set[str]:
    """Return the gateways that cannot take anything now: they rest, or are held."""
    rests = Q(resting_until__gt=now) | Q(held_at__isnull=False)
    return set(Slot.objects.filter(rests).exclude(alias=ALL).values_list("alias", flat=True))


def resting(*, now: datetime) -> set[str]:
    """Return the gateways that could not be reached and rest."""
    return set(Slot.objects.filter(resting_until__gt=now).values_list("alias", flat=True))


def leave(alias: str, *, owner: int) -> None:
    """Give the slot back."""
    Slot.objects.filter(alias=alias, owner=owner).update(owner=None, lease_until=None)


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
