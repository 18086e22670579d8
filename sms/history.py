"""What was sent, to whom, and how it ended: the read side of messages and deliveries (S14, S20, N16)."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import reduce
from operator import or_
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import (
    BigIntegerField,
    Count,
    Exists,
    F,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Sum,
    TextField,
)
from django.db.models.functions import Cast, Greatest, Least
from django.utils.translation import gettext_lazy as _

from contacts.models import User
from contacts.phone_numbers import read
from sms.models import Delivery, Message
from sms.parts import clean

ON_THEIR_WAY = (Delivery.State.QUEUED, Delivery.State.SENDING, Delivery.State.RELAYED)
IN_FLIGHT = (*ON_THEIR_WAY, Delivery.State.UNKNOWN)
PAGE = 50
DELIVERIES_PAGE = 100
DIGITS_TO_SEARCH = 3
STATES = {
    "planned": _("planned"),
    "open": _("on its way"),
    "sent": _("left our system"),
    "unknown": _("unknown"),
    "unconfirmed": _("not confirmed"),
    "refused": _("refused"),
    "cancelled": _("cancelled"),
    "expired": _("too late"),
    "not_accepted": _("not sent"),
}
EXPORTED = (
    "id", "created_at", "state", "occasion", "text", "parts_each", "price", "from_allowance", "deliveries__position",
    "deliveries__number", "deliveries__name", "deliveries__state", "deliveries__sent_at", "deliveries__gateway",
    "deliveries__reference", "deliveries__receipt", "planned_to",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Pockets:
    """Parts that have left and parts on their way, by the pocket that paid them; of the balance in money too."""

    allowance_sent: int = 0
    allowance_in_flight: int = 0
    balance_sent: int = 0
    balance_in_flight: int = 0
    amount_sent: int = 0
    amount_in_flight: int = 0

    def __add__(self, other: "Pockets") -> "Pockets":
        """Return both together."""
        return Pockets(*(mine + theirs for mine, theirs in zip(astuple(self), astuple(other), strict=True)))

    @property
    def from_allowance(self) -> int:
        """Parts that the allowance paid."""
        return self.allowance_sent + self.allowance_in_flight

    @property
    def from_balance(self) -> int:
        """Parts that the balance paid."""
        return self.balance_sent + self.balance_in_flight

    @property
    def sent(self) -> int:
        """Parts that have left, whoever paid."""
        return self.allowance_sent + self.balance_sent

    @property
    def in_flight(self) -> int:
        """Parts on their way, whoever paid."""
        return self.allowance_in_flight + self.balance_in_flight


@dataclass(frozen=True, slots=True)
class Filter:
    """What the history is narrowed to. `state` is a key of STATES; the days are the reader's own, both included."""

    q: str = ""
    state: str = ""
    since: date | None = None
    until: date | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """One page of messages, newest first; `before` is the cursor of the next page, empty on the last."""

    messages: Sequence[Message]
    counts: Mapping[UUID, Mapping[str, int]]
    before: str


@dataclass(frozen=True, slots=True)
class Addressee:
    """Whom a message goes to: the first one's name (may be empty) and number (E.164), and how many others."""

    name: str
    number: str
    others: int


def pockets(user: User, *, since: datetime | None, until: datetime | None) -> Pockets:
    """Return what each pocket paid of the user's SMS accepted from `since` up to, not including, `until` (S14).

    None leaves that side open. A delivery's share follows from its position: the allowance pays the first parts.
    """
    return sum(pockets_by_occasion(user, since=since, until=until).values(), Pockets())


def pockets_by_occasion(user: User, *, since: datetime | None, until: datetime | None) -> dict[str, Pockets]:
    """Return the same by what sent it: form, API, reminder and so on."""
    deliveries = Delivery.objects.filter(message__user=user)
    if since:
        deliveries = deliveries.filter(message__accepted_at__gte=since)
    if until:
        deliveries = deliveries.filter(message__accepted_at__lt=until)
    each = Cast("message__parts_each", IntegerField())
    paid_before = Cast("position", IntegerField()) * each
    share = Least(Greatest(Cast("message__from_allowance", IntegerField()) - paid_before, 0), each)
    sent, in_flight = Q(state=Delivery.State.SENT), Q(state__in=IN_FLIGHT)
    shares = deliveries.annotate(share=share, rest=each - F("share"))
    sums = shares.annotate(amount=F("rest") * Cast("message__price", BigIntegerField())).order_by()
    rows = sums.values_list("message__occasion").annotate(
        allowance_sent=Sum("share", filter=sent, default=0),
        allowance_in_flight=Sum("share", filter=in_flight, default=0),
        balance_sent=Sum("rest", filter=sent, default=0),
        balance_in_flight=Sum("rest", filter=in_flight, default=0),
        amount_sent=Sum("amount", filter=sent, default=0),
        amount_in_flight=Sum("amount", filter=in_flight, default=0),
    )
    return {occasion: Pockets(*figures) for occasion, *figures in rows}


def share_of_allowance(*, position: int, parts_each: int, from_allowance: int) -> int:
    """Return how many parts of the delivery at `position` the allowance paid; the balance paid the others."""
    return min(max(from_allowance - position * parts_each, 0), parts_each)


def messages_of(user: User, wanted: Filter) -> QuerySet[Message]:
    """Return the user's messages that match `wanted`, newest first."""
    found = Message.objects.filter(user=user)
    zone = ZoneInfo(user.zone_name)
    if wanted.since:
        found = found.filter(created_at__gte=datetime.combine(wanted.since, time.min, tzinfo=zone))
    if wanted.until and wanted.until < date.max:
        found = found.filter(created_at__lt=datetime.combine(wanted.until + timedelta(days=1), time.min, tzinfo=zone))
    if wanted.state:
        found = found.filter(_in_state(wanted.state))
    if wanted.q.strip():
        found = found.filter(_matching(clean(wanted.q).strip(), user=user))
    return found.order_by("-created_at", "-id")


def page(messages: QuerySet[Message], *, before: str = "", size: int = PAGE) -> Page:
    """Return the page of `messages` that begins after the cursor `before`: two statements, however far back it is.

    Each message bears `first_number` and `first_name`. A cursor that cannot be read begins at the newest.
    """
    cursor = _read_cursor(before)
    if cursor:
        created_at, key = cursor
        messages = messages.filter(created_at__lte=created_at).exclude(created_at=created_at, id__gte=key)
    first = Delivery.objects.filter(message=OuterRef("pk"), position=0)
    named = messages.annotate(
        first_number=Subquery(first.values("number")[:1]), first_name=Subquery(first.values("name")[:1])
    )
    rows = list(named[: size + 1])
    shown = rows[:size]
    further = f"{shown[-1].created_at.isoformat()}_{shown[-1].pk.hex}" if len(rows) > size else ""
    return Page(shown, counts(shown), further)


def addressee(message: Message) -> Addressee:
    """Return whom a message of a page goes to: the first one, and how many others."""
    planned = message.planned_to or [["", ""]]
    number = getattr(message, "first_number", None) or planned[0][0]
    name = getattr(message, "first_name", None) or planned[0][1]
    return Addressee(name, number, message.recipients - 1)


def counts(messages: Iterable[Message]) -> dict[UUID, dict[str, int]]:
    """Return how many deliveries of each message are in which state, in one statement."""
    found: dict[UUID, dict[str, int]] = {message.pk: {} for message in messages}
    states = Delivery.objects.filter(message__in=list(found)).order_by().values_list("message_id", "state")
    for message_id, state, many in states.annotate(many=Count("pk")):
        found[message_id][state] = many
    return found


def deliveries_after(message: Message, *, position: int = -1) -> tuple[list[Delivery], int | None]:
    """Return the next deliveries of `message` behind `position`, and the position to go on from, if there are more."""
    rows = list(message.deliveries.filter(position__gt=position).order_by("position")[: DELIVERIES_PAGE + 1])
    shown = rows[:DELIVERIES_PAGE]
    return shown, shown[-1].position if len(rows) > DELIVERIES_PAGE else None


def lines(messages: QuerySet[Message]) -> Iterator[dict[str, Any]]:
    """Yield EXPORTED of each delivery of `messages`, and of each recipient of one that has none (planned, not sent)."""
    rows = messages.order_by("-created_at", "-id", "deliveries__position").values(*EXPORTED)
    for row in rows.iterator(chunk_size=2000):
        if row["deliveries__state"]:
            yield row
        else:
            for number, name in row["planned_to"] or []:
                yield {**row, "deliveries__number": number, "deliveries__name": name}


def _in_state(state: str) -> Q:
    states = ON_THEIR_WAY if state == "open" else (state,)
    return Q(state=state) | Q(Exists(Delivery.objects.filter(message=OuterRef("pk"), state__in=states)))


def _matching(q: str, *, user: User) -> Q:
    """Match `q` with the text, a recipient's name, or a number however it is written."""
    number = _number_in(q, country=user.country)
    to = Q(name__icontains=q) | Q(number__contains=number) if number else Q(name__icontains=q)
    delivered = Q(Exists(Delivery.objects.filter(to, message=OuterRef("pk"))))
    return Q(text__icontains=q) | delivered | Q(pk__in=list(_planned_for(q, number=number, user=user)))


def _planned_for(q: str, *, number: str, user: User) -> Iterator[UUID]:
    """Yield the messages without deliveries that go to a name with `q`, or to `number` if there is one.

    The database searches the JSON as it lies there, where letters may be escaped; what it finds is looked at again,
    as it may have met the signs of the JSON.
    """
    written = {json.dumps(q)[1:-1], json.dumps(q, ensure_ascii=False)[1:-1], *([number] if number else [])}
    holds = reduce(or_, (Q(to__icontains=each) for each in written))
    planned = Message.objects.filter(user=user, accepted_at=None).annotate(to=Cast("planned_to", TextField()))
    for key, to in planned.filter(holds).values_list("pk", "planned_to"):
        if any(q.casefold() in name.casefold() or (number and number in typed) for typed, name in to or []):
            yield key


def _number_in(q: str, *, country: str) -> str:
    """Return what a number that `q` means contains: the whole one where it can be read, else its digits; or nothing."""
    number = read(q, country=country).number
    if number:
        return number
    digits = re.sub(r"\D", "", q.replace("(0)", "")).lstrip("0")
    looks_like_one = re.fullmatch(r"[+\d\s().\-/]*", q) is not None
    return digits if looks_like_one and len(digits) >= DIGITS_TO_SEARCH else ""


def _read_cursor(cursor: str) -> tuple[datetime, UUID] | None:
    moment, _sep, key = cursor.partition("_")
    try:
        created_at = datetime.fromisoformat(moment)
        return (created_at.astimezone(UTC), UUID(key)) if created_at.tzinfo else None
    except (ValueError, OverflowError):
        return None
