"""The statement: every movement of an account, newest first, with what was left after it (S14). Reading only.

Walking back from the figures of now, each line says what was left after it, so lines and figures agree on every page.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Q, QuerySet, Sum

from contacts.models import User
from credit.allowance import Standing, Window, month_window, standing
from credit.models import Account, Allowance, Entry

PAGE = 25
OF_A_MESSAGE = {Entry.Kind.CHARGE, Entry.Kind.REFUND}
OF_A_TOP_UP = {Entry.Kind.TOP_UP, Entry.Kind.PAY_BACK, Entry.Kind.RETURNED, Entry.Kind.DISPUTE, Entry.Kind.WON}


@dataclass(frozen=True, slots=True)
class Filter:
    """Which lines: of one kind, of one month (`YYYY-MM`, in the office's zone), or only those that moved money."""

    kind: str = ""
    month: str = ""
    money_only: bool = False

    @property
    def window(self) -> Window | None:
        """The month from its first moment to its end; None where none is asked for, or what is asked for is none."""
        try:
            first = datetime.strptime(self.month, "%Y-%m").replace(tzinfo=ZoneInfo(settings.TIME_ZONE))
            return month_window(first, zone=settings.TIME_ZONE)
        except (ValueError, OverflowError):
            return None

    def of(self, entries: "QuerySet[Entry]") -> "QuerySet[Entry]":
        """Return those of `entries` that it lets through."""
        if self.kind:
            entries = entries.filter(kind=self.kind)
        if self.money_only:
            entries = entries.exclude(amount=0, debt=0)
        window = self.window
        return entries.filter(created_at__gte=window.starts_at, created_at__lt=window.ends_at) if window else entries

    def takes(self, line: "Line") -> bool:
        """Return whether it lets a line through that no entry has written yet."""
        window = self.window
        if self.money_only or (self.kind and self.kind != line.kind):
            return False
        return window is None or window.starts_at <= line.at < window.ends_at


EVERYTHING = Filter()


@dataclass(frozen=True, slots=True)
class Line:
    """One movement: parts of an allowance, money (units) of the balance, and what was left of each after it.

    `left_parts` is of the window that the line belongs to, None where it moved no allowance or only money was asked
    for. `debt` is what became a debt, or with a minus what paid one. `key` is the entry's.
    `is_due` tells a lapse or a grant that has happened by the calendar and is written with the next movement.
    """

    at: datetime
    kind: str
    parts: int
    amount: int
    left_parts: int | None
    left_amount: int | None
    reference: str = ""
    occasion: str = ""
    why: str = ""
    is_due: bool = False
    debt: int = 0
    key: str = ""

    @property
    def what(self) -> str:
        """What it was, in words."""
        return str(Entry.Kind(self.kind).label)

    @property
    def message(self) -> str:
        """The id of the message that it was for, or empty."""
        return self.reference if self.kind in OF_A_MESSAGE else ""

    @property
    def top_up(self) -> str:
        """The id of the top-up that it belongs to, or empty."""
        return self.reference if self.kind in OF_A_TOP_UP else ""

    @property
    def paid_debt(self) -> int:
        """How much of a debt it paid."""
        return max(-self.debt, 0)


@dataclass(frozen=True, slots=True)
class Page:
    """Some lines, newest first; `before` is the cursor of the next page, empty on the last."""

    lines: Sequence[Line]
    before: str


def page(user: User, *, now: datetime, before: str = "", wanted: Filter = EVERYTHING) -> Page:
    """Return the page of the statement behind the cursor `before`; one that cannot be read begins at the newest."""
    account = Account.objects.filter(user=user).first()
    if account is None:
        return Page([], "")
    entries, cursor = Entry.objects.filter(account=account), _read_cursor(before)
    shown = wanted.of(entries)
    if cursor:
        shown = shown.filter(_older_than(*cursor))
    rows = list(shown.select_related("allowance").order_by("-created_at", "-id")[: PAGE + 1])
    further = f"{rows[PAGE - 1].created_at.isoformat()}_{rows[PAGE - 1].pk}" if len(rows) > PAGE else ""
    newer = entries.filter(_newer_than(rows[0])) if rows else entries.none()
    lines = _lines(rows[:PAGE], balance=account.balance, newer=newer)
    here = [] if before else due(user, now=now, wanted=wanted)
    return Page([*here, *(_of_filter(line, wanted) for line in lines)], further)


def whole(user: User, *, wanted: Filter) -> Iterator[Line]:
    """Yield every written line that `wanted` lets through, newest first, without what was left after each."""
    entries = wanted.of(Entry.objects.filter(account__user=user)).order_by("-created_at", "-id")
    for entry in entries.iterator(chunk_size=1000):
        yield line_of(entry)


def due(user: User, *, now: datetime, wanted: Filter = EVERYTHING) -> list[Line]:
    """Return this month's grant and last month's lapse where no movement has written them yet."""
    account = Account.objects.filter(user=user).first()
    if account is None:
        return []
    return [line for line in _due(account, has=standing(user, now=now), now=now) if wanted.takes(line)]


def kinds() -> list[tuple[str, str]]:
    """Return the kinds of lines, with their words."""
    return [(kind.value, str(kind.label)) for kind in Entry.Kind]


def _of_filter(line: Line, wanted: Filter) -> Line:
    if wanted.kind:  # between two lines of one kind there are others
        return replace(line, left_parts=None, left_amount=None)
    return replace(line, left_parts=None) if wanted.money_only else line


def line_of(entry: Entry, *, left_parts: int | None = None, left_amount: int | None = None) -> Line:
    """Return an entry as a line."""
    return Line(
        entry.created_at, entry.kind, entry.parts, entry.amount, left_parts, left_amount,
        entry.reference, entry.occasion, entry.why, debt=entry.debt, key=str(entry.pk),
    )  # fmt: skip


def _lines(rows: Sequence[Entry], *, balance: int, newer: QuerySet[Entry]) -> Iterator[Line]:
    """Yield the lines of `rows`; `newer` are the entries that earlier pages showed, `balance` is that of now."""
    left_amount = balance - (newer.aggregate(all=Sum("amount"))["all"] or 0)
    moved: dict[int | None, int] = defaultdict(int)
    moved.update(newer.order_by().values_list("allowance").annotate(all=Sum("parts")))
    for entry in rows:
        window = entry.allowance
        left_parts = window.available - moved[window.pk] if window else None
        yield line_of(entry, left_parts=left_parts, left_amount=left_amount)
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


# The first bound says no more than the rest: it is the one by which an index is read no further than it must.
def _older_than(created_at: datetime, key: int) -> Q:
    return Q(created_at__lte=created_at) & (Q(created_at__lt=created_at) | Q(id__lt=key))


def _newer_than(entry: Entry) -> Q:
    return Q(created_at__gte=entry.created_at) & (Q(created_at__gt=entry.created_at) | Q(id__gt=entry.pk))


def _read_cursor(cursor: str) -> tuple[datetime, int] | None:
    moment, _sep, key = cursor.partition("_")
    try:
        created_at = datetime.fromisoformat(moment)
        return (created_at.astimezone(UTC), int(key)) if created_at.tzinfo else None
    except (ValueError, OverflowError):
        return None
