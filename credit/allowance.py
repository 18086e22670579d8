"""Which month an allowance belongs to, and what is left (S14, S15). Reading only; `charging` writes.

The month is the window in the row, in the office's time zone: no midnight job has to run for it to be right.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import OuterRef, QuerySet, Subquery, Sum

from contacts.models import User
from credit.models import LOW_BELOW, Account, Allowance, Entry, Plan


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
    low_below: int = LOW_BELOW

    @property
    def all_parts(self) -> int | None:
        """How many parts allowance and balance pay together; None where a part costs nothing."""
        return None if self.balance_parts is None else self.available + self.balance_parts

    @property
    def runs_low(self) -> bool:
        """Whether both together pay for fewer parts than the user wants to be told of."""
        return self.all_parts is not None and self.all_parts < self.low_below

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
    return _standing(account, _with_lapses().filter(account=account).first(), now=now)


def standings(accounts: Sequence[Account], *, now: datetime) -> dict[int, Standing]:
    """Return `standing` by the id of the user, for accounts that came with their plans; one statement for all."""
    latest = Allowance.objects.filter(account=OuterRef("account")).order_by("-starts_at").values("pk")[:1]
    found = _with_lapses().filter(account__in=accounts, pk=Subquery(latest))
    last = {allowance.account_id: allowance for allowance in found}
    return {account.user_id: _standing(account, last.get(account.pk), now=now) for account in accounts}


def _with_lapses() -> QuerySet[Allowance]:
    lapses = Entry.objects.filter(allowance=OuterRef("pk"), kind=Entry.Kind.LAPSE).order_by().values("allowance")
    return Allowance.objects.annotate(lapsed=Subquery(lapses.annotate(all=Sum("parts")).values("all")))


def _standing(account: Account, last: Any, *, now: datetime) -> Standing:
    """Return what `account` has, `last` being its latest window with its lapses, or None."""
    if last is None or last.ends_at <= now:
        window = month_window(now, zone=settings.TIME_ZONE, after=last.ends_at if last else None)
        granted, available, lapsed = parts_of(account.plan), parts_of(account.plan), 0
    else:
        window = Window(last.starts_at, last.ends_at)
        granted, available, lapsed = last.granted, last.available, -(last.lapsed or 0)
    return Standing(
        granted=granted, available=available, lapsed=lapsed, starts_at=window.starts_at, renews_at=window.ends_at,
        balance=account.balance, price=price_of(account.plan), debt=account.debt, low_below=account.low_below,
    )  # fmt: skip


def _instant(local: datetime) -> datetime:
    return local.astimezone(ZoneInfo("UTC"))
