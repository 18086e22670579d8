"""How many SMS may go where, in one hour and one day, and which numbers get none (FAULTS F1, F2; N18).

One price reaches every country, so what a stolen account or a loop can spend is bounded: per user, number, prefix,
country, in the first days of an account, and for the whole office. `rules` reads and `take` counts, one statement each
whatever the number of SMS, inside the transaction of the charge; a counter stays locked until it ends, so no limit is
passed by one. SMS are parts here as everywhere, but for the limit of a number, which counts messages.

What is paid back is not given back to the limits: they bound what is tried, and whoever sends and cancels without end
must meet them too.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

from django.conf import settings

from contacts.models import User
from contacts.number_reasons import Reason
from contacts.phone_numbers import countries_of
from credit import limit_sql
from credit.limit_models import KnownCountry, Limit, LimitCount, NumberCount
from credit.limit_sql import Key, Row, Window

NEW_FOR = timedelta(days=7)
KEPT = timedelta(days=2)
Kind = Limit.Kind
# The order in which counters are locked, by all: what many share comes first.
OWN = (Kind.USER, Kind.NEW_USER, Kind.NEW_COUNTRY)
ORDER = (Kind.OFFICE, Kind.USER, Kind.NEW_USER, Kind.NEW_COUNTRY, Kind.COUNTRY, Kind.PREFIX, Kind.NUMBER)


@dataclass(frozen=True)
class Sending:
    """What is about to be paid: `parts_each` to each of `numbers` (E.164).

    `confirmed` are the countries that the user confirmed just now; None where nobody can be asked, as for a program.
    """

    user: User
    parts_each: int
    numbers: Sequence[str]
    confirmed: frozenset[str] | None = None

    @cached_property
    def countries(self) -> Counter[str]:
        """How many of the numbers are of each country (two letters, "" for none)."""
        return Counter(countries_of(self.numbers))


@dataclass(frozen=True, slots=True)
class Reached:
    """A limit that leaves too little room: its kind and window, what it is for, and when it counts anew.

    `of` is the number, prefix or country, empty where the kind says it all. `left` is what would still fit.
    """

    kind: str
    window: str
    of: str
    most: int
    left: int
    frees_at: datetime

    @property
    def name(self) -> str:
        """The limit's name in the API: user_day, number_day and the like."""
        return f"{self.kind}_{self.window}"


@dataclass(frozen=True, slots=True)
class Holding:
    """A limit that holds for a user now; `used` is None where it is not the user's alone to use."""

    kind: str
    window: str
    of: str
    most: int
    used: int | None
    frees_at: datetime

    @property
    def name(self) -> str:
        """The limit's name in the API."""
        return f"{self.kind}_{self.window}"

    @property
    def left(self) -> int | None:
        """How many SMS still fit."""
        return None if self.used is None else max(self.most - self.used, 0)


@dataclass(slots=True)
class Rules:
    """What holds for some users and numbers, as `limit_sql.rules` read it."""

    limits: list[Row] = field(default_factory=list)
    ranges: list[str] = field(default_factory=list)
    blocked: set[tuple[str, int | None]] = field(default_factory=set)
    known: set[tuple[int, str]] = field(default_factory=set)

    def why_not(self, number: str, user: User) -> Reason | None:
        """Return why `user` may not send to `number` (E.164), or None."""
        if (number, None) in self.blocked or (number, user.pk) in self.blocked:
            return Reason.ASKED_NOT
        return Reason.REFUSED_RANGE if self.ranges and number.startswith(tuple(self.ranges)) else None

    def barred(self, numbers: Iterable[str], user: User) -> dict[str, Reason]:
        """Return those of `numbers` that `user` may not send to, with why."""
        if not self.blocked and not self.ranges:
            return {}
        reasons = ((number, self.why_not(number, user)) for number in numbers)
        return {number: reason for number, reason in reasons if reason}

    def new_countries(self, countries: Iterable[str], user: User) -> set[str]:
        """Return those of `countries` that `user` has not confirmed; one's own is known, and so is none ("")."""
        return {each for each in set(countries) if each not in ("", user.country) and (user.pk, each) not in self.known}

    def of_user(self, user: User, *, now: datetime) -> list[Row]:
        """Return the limits that hold for `user`, in the order in which they are locked."""
        own = {row.window for row in self.limits if row.user_id == user.pk}
        general = {Kind.USER, Kind.NEW_USER} if now - user.date_joined < NEW_FOR else {Kind.USER}
        found = []
        for row in self.limits:
            is_of_a_user = row.kind in (Kind.USER, Kind.NEW_USER)
            holds = row.kind in general and row.window not in own if is_of_a_user else True
            if row.user_id == user.pk or (row.user_id is None and holds):
                found.append(row)
        return sorted(found, key=lambda row: (ORDER.index(Kind(row.kind)), row.id))


def rules(users: Collection[User], numbers: Collection[str]) -> Rules:
    """Read what holds for these users and numbers (E.164), in one statement."""
    read = Rules()
    for row in limit_sql.rules({user.pk for user in users}, numbers):
        if row.sort == "limit":
            read.limits.append(row)
        elif row.sort == "range":
            read.ranges.append(row.of)
        elif row.sort == "blocked":
            read.blocked.add((row.of, row.user_id))
        elif row.user_id is not None:
            read.known.add((row.user_id, row.of))
    return read


def barred(user: User, numbers: Collection[str]) -> dict[str, Reason]:
    """Return those of `numbers` (E.164) that `user` may not send to, with why; for a form, before anything is paid."""
    return rules([user], numbers).barred(numbers, user) if numbers else {}


def take(sendings: Sequence[Sending], read: Rules, *, now: datetime) -> list[Reached | None]:
    """Count each sending in turn, or say which limit it would pass; the answer stands at its place.

    Needs a transaction, before the accounts are locked.
    """
    shared: Counter[Key] = Counter()
    numbers: Counter[str] = Counter()
    for sending in sendings:
        numbers.update(sending.numbers)
        shared.update(dict(_shared(sending, read, now=now)))
    of = [Window(row.id, window(row.window, now)[0]) for row in _of_numbers(read)]
    places = {row.id: (ORDER.index(Kind(row.kind)), row.id) for row in read.limits}
    in_order = sorted(shared, key=lambda key: (*places[key.limit_id], key.of, key.starts_at))
    past = limit_sql.add({key: shared[key] for key in in_order}, numbers, of)
    return _answers(sendings, read, past, now=now) if past else [None] * len(sendings)


def _answers(
    sendings: Sequence[Sending], read: Rules, past: Mapping[Key, int], *, now: datetime
) -> list[Reached | None]:
    """Return which sendings fit after all, in turn, where all together do not; take back the others."""
    wanted = [dict(_amounts(each, read, now=now)) for each in sendings]
    stand = {key: used - sum(amounts.get(key, 0) for amounts in wanted) for key, used in past.items()}
    most = {row.id: row.most or 0 for row in read.limits}
    over = [_first_over(amounts, stand, most) for amounts in wanted]
    give_back([sending for sending, key in zip(sendings, over, strict=True) if key], read, now=now)
    return [_reached(key, read, stand, now=now) if key else None for key in over]


def give_back(sendings: Sequence[Sending], read: Rules, *, now: datetime) -> None:
    """Take back what `take` counted in this same transaction for sendings that were not accepted after all."""
    totals: Counter[Key] = Counter()
    for each in sendings:
        totals.update(dict(_amounts(each, read, now=now)))
    limit_sql.take_back(totals)


def holding_for(user: User, *, now: datetime) -> list[Holding]:
    """Return the limits that hold for `user` at `now`, with what of them is used."""
    rows = [row for row in rules([user], []).of_user(user, now=now) if row.most is not None]
    windows = {name: window(name, now) for name in Limit.Window.values}
    counted = LimitCount.objects.filter(limit__in=[row.id for row in rows], of=str(user.pk))
    used = {(each.limit_id, each.minute): each.used for each in counted}
    return [
        Holding(
            row.kind, row.window, row.of, row.most or 0,
            used.get((row.id, limit_sql.minute(windows[row.window][0])), 0) if row.kind in OWN else None,
            windows[row.window][1],
        )
        for row in rows
    ]  # fmt: skip


def confirm(user: User, countries: Iterable[str], *, now: datetime) -> None:
    """Write down that `user` means to send to these countries."""
    rows = [KnownCountry(user=user, country=country, confirmed_at=now) for country in sorted(countries)]
    KnownCountry.objects.bulk_create(rows, ignore_conflicts=True)


def prune(*, now: datetime) -> int:
    """Forget the counters, with the numbers in them, whose window began two days ago; return how many."""
    old = limit_sql.minute(now - KEPT)
    return sum(counts.objects.filter(minute__lt=old).delete()[0] for counts in (LimitCount, NumberCount))


def window(name: str, now: datetime) -> tuple[datetime, datetime]:
    """Return when the clock hour, or the day of the office, of `now` began and when the next one begins."""
    local = now.astimezone(ZoneInfo(settings.TIME_ZONE))
    if name == Limit.Window.HOUR:
        starts_at = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        return starts_at, starts_at + timedelta(hours=1)
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    next_day = (midnight.replace(tzinfo=None) + timedelta(days=1)).replace(tzinfo=midnight.tzinfo)
    return midnight.astimezone(UTC), next_day.astimezone(UTC)


def _amounts(sending: Sending, read: Rules, *, now: datetime) -> Iterator[tuple[Key, int]]:
    """Yield what a sending adds to each counter that it is counted in."""
    yield from _shared(sending, read, now=now)
    for row in _of_numbers(read):
        starts_at = window(row.window, now)[0]
        yield from ((Key(row.id, number, starts_at), 1) for number in sending.numbers)


def _shared(sending: Sending, read: Rules, *, now: datetime) -> Iterator[tuple[Key, int]]:
    """Yield the same without the counters of single numbers."""
    for row in read.of_user(sending.user, now=now):
        if row.most is not None and row.kind != Kind.NUMBER:
            starts_at = window(row.window, now)[0]
            for of, amount in _counted(row, sending, read):
                yield Key(row.id, of, starts_at), amount


def _of_numbers(read: Rules) -> list[Row]:
    return [row for row in read.limits if row.kind == Kind.NUMBER and row.most is not None]


def _counted(row: Row, sending: Sending, read: Rules) -> Iterator[tuple[str, int]]:
    """Yield (what it counts for, SMS) of one limit; what a limit does not touch is not counted."""
    each = sending.parts_each
    if row.kind == Kind.COUNTRY:
        yield from ((name, many * each) for name, many in _of_country(row, sending, read))
        return
    many = len(sending.numbers)
    if row.kind == Kind.PREFIX:
        many = sum(number.startswith(row.of) for number in sending.numbers)
    elif row.kind == Kind.NEW_COUNTRY:
        new = read.new_countries(sending.countries, sending.user) if sending.confirmed is None else ()
        many = sum(sending.countries[name] for name in new)
    if many:
        yield "" if row.kind in (Kind.OFFICE, Kind.PREFIX) else str(sending.user.pk), many * each


def _of_country(row: Row, sending: Sending, read: Rules) -> Iterator[tuple[str, int]]:
    if row.of:
        yield from [(row.of, sending.countries[row.of])] if row.of in sending.countries else ()
        return
    own_rows = {each.of for each in read.limits if each.kind == Kind.COUNTRY and each.window == row.window}
    taken = own_rows | {sending.user.country}
    yield from ((name, many) for name, many in sending.countries.items() if name not in taken)


def _first_over(amounts: Mapping[Key, int], stand: dict[Key, int], most: Mapping[int, int]) -> Key | None:
    """Return the first counter that has no room for these amounts; where all have, count them in `stand`."""
    touched = [key for key in stand if key in amounts]
    for key in touched:
        if stand[key] + amounts[key] > most[key.limit_id]:
            return key
    for key in touched:
        stand[key] += amounts[key]
    return None


def _reached(key: Key, read: Rules, stand: Mapping[Key, int], *, now: datetime) -> Reached:
    row = next(row for row in read.limits if row.id == key.limit_id)
    of = row.of or (key.of if row.kind in (Kind.NUMBER, Kind.COUNTRY) else "")
    most = row.most or 0
    return Reached(row.kind, row.window, of, most, max(most - stand[key], 0), window(row.window, now)[1])
