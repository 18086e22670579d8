"""The statement: every movement of an account, newest first, with what was left after it (S14). Reading only.

Walking back from the figures of now, each line says what was left after it, so lines and figures agree on every page.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from django.db.models import Q, QuerySet, Sum

from contacts.models import User
from credit.allowance import Standing, standing
from credit.models import Account, Allowance, Entry

PAGE = 25


@dataclass(frozen=True, slots=True)
class Line:
    """One movement: parts of an allowance, money (units) of the balance, and what was left of each after it.

    `left_parts` is of the window that the line belongs to, None where it moved no allowance or only money was asked
    for. `is_due` tells a lapse or a grant that has happened by the calendar and is written with the next movement.
    """

    at: datetime
    kind: str
    parts: int
    amount: int
    left_parts: int | None
    left_amount: int
    reference: str = ""
    occasion: str = ""
    why: str = ""
    is_due: bool = False

    @property
    def what(self) -> str:
        """What it was, in words."""
        return str(Entry.Kind(self.kind).label)


@dataclass(frozen=True, slots=True)
class Page:
    """Some lines, newest first; `before` is the cursor of the next page, empty on the last."""

    lines: Sequence[Line]
    before: str


def page(user: User, *, now: datetime, before: str = "", money_only: bool = False) -> Page:
    """Return the page of the user's statement behind the cursor `before`; one that cannot be read begins at the newest.

    `money_only` leaves out what did not touch the balance.
    """
    account = Account.objects.filter(user=user).first()
    has = standing(user, now=now)
    if account is None:
        return Page([], "")
    due = [] if before or money_only else list(_due(account, has=has, now=now))
    entries = Entry.objects.filter(account=account)
    cursor = _read_cursor(before)
    shown = entries.exclude(amount=0) if money_only else entries
    if cursor:
        shown = shown.filter(_older_than(*cursor))
    rows = list(shown.select_related("allowance").order_by("-created_at", "-id")[: PAGE + 1])
    further = f"{rows[PAGE - 1].created_at.isoformat()}_{rows[PAGE - 1].pk}" if len(rows) > PAGE else ""
    newer = entries.exclude(_older_than(*cursor)) if cursor else entries.none()
    lines = _lines(rows[:PAGE], balance=account.balance, newer=newer)
    return Page([*due, *(replace(line, left_parts=None) if money_only else line for line in lines)], further)


def _lines(rows: Sequence[Entry], *, balance: int, newer: QuerySet[Entry]) -> Iterator[Line]:
    """Yield the lines of `rows`; `newer` are the entries that earlier pages showed, `balance` is that of now."""
    left_amount = balance - (newer.aggregate(all=Sum("amount"))["all"] or 0)
    moved: dict[int | None, int] = defaultdict(int)
    moved.update(newer.order_by().values_list("allowance").annotate(all=Sum("parts")))
    for entry in rows:
        window = entry.allowance
        left_parts = window.available - moved[window.pk] if window else None
        yield Line(
            entry.created_at, entry.kind, entry.parts, entry.amount, left_parts, left_amount,
            entry.reference, entry.occasion, entry.why,
        )  # fmt: skip
        left_amount -= entry.amount
        moved[entry.allowance_id] += entry.parts


def _due(account: Account, *, has: Standing, now: datetime) -> Iterator[Line]:
    """Yield this month's grant and last month's lapse where no movement has written them yet."""
    last = Allowance.objects.filter(account=account).first()
    if last and last.ends_at > now:
        return
    if has.granted:
        yield Line(has.starts_at, Entry.Kind.GRANT, has.granted, 0, has.available, account.balance, is_due=True)
    if last and last.available:
        yield Line(last.ends_at, Entry.Kind.LAPSE, -last.available, 0, 0, account.balance, is_due=True)


def _older_than(created_at: datetime, key: int) -> Q:
    return Q(created_at__lt=created_at) | Q(created_at=created_at, id__lt=key)


def _read_cursor(cursor: str) -> tuple[datetime, int] | None:
    moment, _sep, key = cursor.partition("_")
    try:
        created_at = datetime.fromisoformat(moment)
        return (created_at.astimezone(UTC), int(key)) if created_at.tzinfo else None
    except (ValueError, OverflowError):
        return None
