"""Month by month: what was granted, used, lapsed and paid from the balance (S14). Reading only.

All follows from the entries, so that granted = used + lapsed + available in each month, at every instant.
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Q, Sum
from django.db.models.functions import Coalesce, TruncMonth

from contacts.models import User
from credit.models import Allowance, Entry

SHOWN = 12
_OF_CHARGES = Q(kind=Entry.Kind.CHARGE) | Q(kind=Entry.Kind.REFUND)


@dataclass(frozen=True, slots=True)
class Month:
    """One month: parts granted, used (less what was paid back), lapsed and left, and money paid from the balance."""

    starts_at: datetime
    granted: int
    used: int
    lapsed: int
    available: int
    spent: int


def months(user: User, *, now: datetime, shown: int = SHOWN) -> list[Month]:
    """Return the latest months in which something moved, newest first."""
    windows = list(Allowance.objects.filter(account__user=user, starts_at__lte=now)[:shown])
    parts = _parts(windows)
    spent = _spent(user, since=windows[-1].starts_at) if windows else {}
    zone = ZoneInfo(settings.TIME_ZONE)
    return [
        Month(
            starts_at=window.starts_at,
            granted=window.granted,
            used=-parts[window.pk, Entry.Kind.CHARGE] - parts[window.pk, Entry.Kind.REFUND],
            lapsed=-parts[window.pk, Entry.Kind.LAPSE],
            available=window.available,
            spent=spent.get(window.starts_at.astimezone(zone).strftime("%Y-%m"), 0),
        )
        for window in windows
    ]


def put_in(user: User, *, since: datetime) -> int:
    """Return the money that the balance held at `since` and got after it, without what SMS took since then."""
    of_this_month = _OF_CHARGES & Q(paid_at__gte=since)
    entries = Entry.objects.filter(account__user=user).annotate(paid_at=Coalesce("refunds__created_at", "created_at"))
    put_in: int = entries.exclude(of_this_month).aggregate(all=Sum("amount", default=0))["all"]
    return put_in


def _parts(windows: list[Allowance]) -> defaultdict[tuple[int, str], int]:
    sums: defaultdict[tuple[int, str], int] = defaultdict(int)
    rows = Entry.objects.filter(allowance__in=windows).order_by().values_list("allowance", "kind")
    sums.update({(window, kind): parts for window, kind, parts in rows.annotate(all=Sum("parts"))})
    return sums


def _spent(user: User, *, since: datetime) -> dict[str, int]:
    """Return the money that SMS took, by the month (2026-11) in which they were paid; a refund counts in that month."""
    entries = Entry.objects.filter(_OF_CHARGES, account__user=user).exclude(amount=0)
    dated = entries.annotate(paid_at=Coalesce("refunds__created_at", "created_at")).filter(paid_at__gte=since)
    by_month = dated.annotate(month=TruncMonth("paid_at", tzinfo=ZoneInfo(settings.TIME_ZONE))).order_by()
    rows = by_month.values_list("month").annotate(all=Sum("amount"))
    return {month.strftime("%Y-%m"): -amount for month, amount in rows}
