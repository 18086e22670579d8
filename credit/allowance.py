"""Which month an allowance belongs to, and what is left (S14, S15). Reading only; `charging` writes.

The month is the window in the row, in the office's time zone: no midnight job has to run for it to be right.
"""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import OuterRef, Subquery, Sum

from contacts.models import User
from credit.models import Account, Allowance, Entry, Plan


@dataclass(frozen=True, slots=True)
class Window:
    """One month: from `starts_at`, up to but not including `ends_at`."""

    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class Standing:
    """What a user has at one moment. Allowance in parts, money in 1/10,000 of the currency."""

    granted: int
    available: int
    lapsed: int
    starts_at: datetime
    renews_at: datetime
    balance: int
    price: int
    debt: int = 0

    @property
    def balance_parts(self) -> int | None:
        """How many parts the balance pays; None where a part costs nothing."""
        return self.balance // self.price if self.price else None


def month_window(now: datetime, *, zone: str, after: datetime | None = None) -> Window:
    """Return the calendar month of `now` in `zone` (IANA name), beginning no earlier than `after`.

    `after` is where the last window ended: after a change of zone the next one begins there, so none overlap.
    """
    local = now.astimezone(ZoneInfo(zone))
    starts_at = local.replace(day=1, hour=0, minute=0, second=0, microsecond=0, fold=0)
    year, month = (local.year + 1, 1) if local.month == 12 else (local.year, local.month + 1)
    ends_at = starts_at.replace(year=year, month=month)
    return Window(_instant(max(starts_at, after) if after else starts_at), _instant(ends_at))


def price_of(plan: Plan | None) -> int:
    """Return what a part costs beyond the allowance: the plan's price, or the office's."""
    return settings.SMS_PRICE if plan is None or plan.price is None else plan.price


def parts_of(plan: Plan | None) -> int:
    """Return the parts that a plan grants each month."""
    return plan.parts_a_month if plan else 0


def standing(user: User, *, now: datetime) -> Standing:
    """Return what `user` can spend at `now`. Writes nothing: a grant not yet written is counted as it will be."""
    account = Account.objects.select_related("plan").filter(user=user).first()
    if account is None:
        window = month_window(now, zone=settings.TIME_ZONE)
        return Standing(0, 0, 0, window.starts_at, window.ends_at, 0, settings.SMS_PRICE)
    lapses = Entry.objects.filter(allowance=OuterRef("pk"), kind=Entry.Kind.LAPSE).order_by().values("allowance")
    lapsed = Subquery(lapses.annotate(all=Sum("parts")).values("all"))
    last = Allowance.objects.filter(account=account).annotate(lapsed=lapsed).first()
    if last is None or last.ends_at <= now:
        window = month_window(now, zone=settings.TIME_ZONE, after=last.ends_at if last else None)
        parts = parts_of(account.plan)
        return Standing(
            parts, parts, 0, window.starts_at, window.ends_at, account.balance, price_of(account.plan), account.debt
        )
    return Standing(
        granted=last.granted, available=last.available, lapsed=-(last.lapsed or 0), starts_at=last.starts_at,
        renews_at=last.ends_at, balance=account.balance, price=price_of(account.plan), debt=account.debt,
    )  # fmt: skip


def _instant(local: datetime) -> datetime:
    return local.astimezone(ZoneInfo("UTC"))
