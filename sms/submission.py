"""The front door: accept, pay for and store an SMS in one transaction; nothing reaches a gateway by another road.

By hand, by API, by reminder: `submit` reads the numbers, counts the parts, stores the message with its deliveries,
locks the account last and charges it. So what is accepted is paid, and no adapter can forget to debit allowance
before balance. The statements are the same few for one number or 10,000.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property, partial

import structlog
from django.db import IntegrityError, connection, transaction

from contacts import fault, phone_numbers
from contacts.models import User
from contacts.phone_numbers import Reading
from contacts.value_table import as_table
from credit import charging
from credit.limits import Rules, Sending, give_back
from sms import allowed, nudge, parts, queue_sql
from sms.allowed import BadRecipients, NewCountry, NotAccepted, OverLimit
from sms.gateways import configured
from sms.models import Message

__all__ = ["BadRecipients", "NewCountry", "NotAccepted", "OverLimit"]  # told apart by callers, raised in `allowed`

FORM_DELAY = timedelta(seconds=10)
VALIDITY = timedelta(hours=24)
FURTHEST = timedelta(days=366)
LIST_FROM = 11
URGENT, NORMAL, LIST = 0, 1, 2

log = structlog.get_logger(__name__)


class MayNotSend(NotAccepted):
    """The user is suspended."""


class NoRecipients(NotAccepted):
    """There is nobody to send to."""


class BadText(NotAccepted):
    """The text is empty, or takes more than ten parts. `reason`: "empty" or "too_long"."""

    def __init__(self, reason: str, *, length: int = 0, most: int = 0) -> None:
        super().__init__(reason)
        self.reason, self.length, self.most = reason, length, most


class BadMoment(NotAccepted):
    """The moment to send is past, or more than a year away."""


class NotEnough(NotAccepted):
    """Allowance and balance together do not pay for all; `payable` is how many recipients they pay, in order."""

    def __init__(self, *, missing_parts: int, missing_amount: int, payable: int) -> None:
        super().__init__(f"{missing_parts} parts short")
        self.missing_parts, self.missing_amount, self.payable = missing_parts, missing_amount, payable


class PriceChanged(NotAccepted):
    """Price or pockets are no longer what was shown; `from_allowance` and `from_balance` are what it would be now."""

    def __init__(self, *, from_allowance: int, from_balance: int, price: int) -> None:
        super().__init__("the price changed meanwhile")
        self.from_allowance, self.from_balance, self.price = from_allowance, from_balance, price


class KeyReused(NotAccepted):
    """The request key was used before, for another text or other numbers."""


@dataclass(frozen=True, slots=True)
class Recipient:
    """Somebody to send to: a number as typed or as E.164, and the name it is shown under.

    `reading` is what `phone_numbers` made of the number, where the caller has it: a list is not read twice.
    """

    number: str
    name: str = ""
    reading: Reading | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """What somebody wants sent. `text` is finished, signature included; `request_key` is unique per user.

    `not_before` holds it back (the form's ten seconds); `release_at` makes it an intention, paid when its moment has
    come; `agreed` is the split that was shown (parts from the allowance, units from the balance). `request_digest`
    says what was asked, where that is not the text, the numbers and the moment: the API's body as it was sent.
    `gateway` is the alias of the one gateway that may have it, whatever its routes say; "" leaves it to the routes.
    `confirmed` holds the countries new to the user that a person confirmed; None where nobody can be asked.
    """

    user: User
    text: str
    to: Sequence[Recipient]
    occasion: str
    request_key: str
    occasion_reference: str = ""
    not_before: datetime | None = None
    valid_until: datetime | None = None
    release_at: datetime | None = None
    agreed: tuple[int, int] | None = None
    request_digest: str = ""
    gateway: str = ""
    confirmed: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Submitted:
    """The message, and whether it was there already under the same request key."""

    message: Message
    repeated: bool


@dataclass
class Item:
    """A request on its way in: its message and what goes into the queue."""

    message: Message
    to: list[tuple[str, str]]
    not_before: datetime
    agreed: tuple[int, int] | None = None
    confirmed: frozenset[str] | None = None
    readings: Sequence[Reading] = ()

    @cached_property
    def numbers(self) -> list[str]:
        """The numbers (E.164) that it goes to."""
        return [number for number, _name in self.to]

    @cached_property
    def sending(self) -> Sending:
        """What the limits count."""
        return Sending(self.message.user, self.message.parts_each, self.numbers, self.confirmed)


def submit(request: Request, *, now: datetime) -> Submitted:
    """Accept, pay for and store one SMS to one or many numbers; return the message.

    The same request key again answers with the first result. Raises a `NotAccepted` that says why not, and
    NoSuchGateway for a `gateway` that is not in the settings; then nothing is stored, debited or sent.
    """
    [result] = submit_many([request], now=now)
    if isinstance(result, NotAccepted):
        raise result
    return result


def submit_many(requests: Sequence[Request], *, now: datetime) -> list[Submitted | NotAccepted]:
    """Do what `submit` does for a batch in one transaction; each result stands at the place of its request."""
    prepared = [_prepare(request, now=now) for request in requests]
    try:
        return _store(prepared, now=now)
    except IntegrityError:
        # Somebody else was first under one of these keys: now it can be seen, and answers.
        return _store(prepared, now=now)


def cancel(message: Message, *, now: datetime) -> int:
    """Cancel what has not been handed over, and refund it; return how many SMS that were. Planned ones go whole."""
    with transaction.atomic():
        locked = Message.objects.select_for_update().get(pk=message.pk)
        fault.hit("submission.cancel_locked")
        if locked.state == Message.State.PLANNED:
            locked.state = Message.State.CANCELLED
            locked.save(update_fields=["state"])
            return locked.recipients
        cancelled = len(queue_sql.cancel(message.pk, now=now))
        fault.hit("submission.cancelled")
        return cancelled


def _prepare(request: Request, *, now: datetime) -> Item | NotAccepted:
    try:
        return _read(request, now=now)
    except NotAccepted as refused:
        return refused


def _read(request: Request, *, now: datetime) -> Item:
    """Read the request into a message that could be stored, or raise why not."""
    if not request.user.is_active:
        raise MayNotSend
    text = parts.clean(request.text).rstrip()
    if not text.strip():
        raise BadText("empty")
    try:
        cut = parts.within_limit(text)
    except parts.TooLong as too_long:
        raise BadText("too_long", length=too_long.length, most=too_long.most) from None
    if request.release_at and not now < request.release_at <= now + FURTHEST:
        raise BadMoment
    if request.gateway:
        configured.gateway(request.gateway)
    readings = _readings(request)
    to = list(_names(request, readings).items())
    message = Message(
        user=request.user, text=text, encoding=cut.encoding, parts_each=cut.count, recipients=len(to),
        state=Message.State.PLANNED if request.release_at else Message.State.ACCEPTED, price=0,
        occasion=request.occasion, occasion_reference=request.occasion_reference, request_key=request.request_key,
        request_digest=request.request_digest or _digest(text, to, request.release_at, request.gateway),
        created_at=now, release_at=request.release_at, gateway=request.gateway,
        valid_until=request.valid_until or (request.release_at or now) + VALIDITY,
    )  # fmt: skip
    return Item(message, to, request.not_before or now, request.agreed, request.confirmed, readings)


def _readings(request: Request) -> list[Reading]:
    """Return how each number was read, all of them good; raises why not otherwise."""
    if not request.to:
        raise NoRecipients
    unread = [to.number for to in request.to if to.reading is None]
    read = iter(phone_numbers.read_many(unread, country=request.user.country))
    readings = [to.reading or next(read) for to in request.to]
    bad = [reading for reading in readings if not reading.ok]
    if bad:
        raise BadRecipients(bad)
    return readings


def _names(request: Request, readings: Sequence[Reading]) -> dict[str, str]:
    """Return the name by number (E.164), each number once, in the order of its first place; all readings are good."""
    names: dict[str, str] = {}
    for reading, to in zip(readings, request.to, strict=True):
        number = reading.understood
        if number and number not in names:
            names[number] = to.name[:100]
    return names


def _digest(text: str, to: Sequence[tuple[str, str]], release_at: datetime | None, gateway: str) -> str:
    asked = [text, [number for number, _name in to], release_at and release_at.isoformat(), *filter(None, [gateway])]
    return hashlib.sha256(json.dumps(asked).encode()).hexdigest()


def _store(prepared: Sequence[Item | NotAccepted], *, now: datetime) -> list[Submitted | NotAccepted]:
    items = [item for item in prepared if isinstance(item, Item)]
    with transaction.atomic():
        known = _known(items)
        fresh: dict[tuple[int, str], Item] = {}
        for item in items:
            if _key(item.message) not in known:
                fresh.setdefault(_key(item.message), item)
        rules = allowed.rules_for([item.sending for item in fresh.values()])
        refusals = {id(item): allowed.forbidden(item.sending, item.readings, rules) for item in fresh.values()}
        permitted = [item for item in fresh.values() if not refusals[id(item)]]
        _plan([item for item in permitted if item.message.release_at])
        now_due = [item for item in permitted if not item.message.release_at]
        refusals |= zip((id(item) for item in now_due), accept(now_due, rules, now=now), strict=True)
        agreed_to = [item.sending for item in permitted if not refusals.get(id(item))]
        allowed.confirm(agreed_to, rules, now=now)
        # The accounts are locked now: a refusal may be because the same request was paid a moment before.
        meanwhile = _known([item for item in now_due if refusals[id(item)]])
        known |= meanwhile
        fresh = {key: item for key, item in fresh.items() if key not in meanwhile}
        fault.hit("submission.before_commit")
    fault.hit("submission.committed")
    results: list[Submitted | NotAccepted] = []
    for each in prepared:
        results.append(each if isinstance(each, NotAccepted) else _result(each, known, fresh, refusals))
    return results


def _result(
    item: Item,
    known: dict[tuple[int, str], Message],
    fresh: dict[tuple[int, str], Item],
    refusals: dict[int, NotAccepted | None],
) -> Submitted | NotAccepted:
    first = fresh.get(_key(item.message))
    refusal = refusals.get(id(first)) if first else None
    if refusal:
        return refusal
    message = first.message if first else known[_key(item.message)]
    if message.request_digest != item.message.request_digest:
        return KeyReused()
    return Submitted(message, repeated=first is not item)


def _known(items: Sequence[Item]) -> dict[tuple[int, str], Message]:
    """Return the messages that were stored under these keys before: mostly none, which one look at an index tells."""
    if not items:
        return {}
    keys, values = as_table("k", [_key(item.message) for item in items], ("user_id", "request_key"))
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT m.id FROM sms_message m JOIN {keys} USING (user_id, request_key)", values)
        ids = [pk for (pk,) in cursor.fetchall()]
    return {_key(message): message for message in Message.objects.filter(pk__in=ids)} if ids else {}


def _key(message: Message) -> tuple[int, str]:
    return message.user_id, message.request_key


def _plan(items: Sequence[Item]) -> None:
    for item in items:
        item.message.planned_to = item.to
    if items:
        Message.objects.bulk_create([item.message for item in items])


def accept(items: Sequence[Item], rules: Rules, *, now: datetime) -> list[NotAccepted | None]:
    """Count, queue, charge and store each item; return why not, where not.

    Needs a transaction, once in each: it locks the limits' counters, then the accounts, until that ends.
    """
    if not items:
        return []
    over = allowed.count([item.sending for item in items], rules, now=now)
    within = [item for item, why in zip(items, over, strict=True) if not why]
    paid = iter(_pay(within, rules, now=now))
    return [why or next(paid) for why in over]


def _pay(items: Sequence[Item], rules: Rules, *, now: datetime) -> list[NotAccepted | None]:
    """Queue, charge and store what the limits have counted; what cannot be paid is not counted after all."""
    if not items:
        return []
    fault.hit("submission.before_put")
    queued = [_queued(item) for item in items]
    queue_sql.put(queued, now=now)
    fault.hit("submission.put")
    results = charging.charge_many([_charge(item) for item in items], now=now)
    fault.hit("submission.charged")
    refusals = [_refusal(item, result) for item, result in zip(items, results, strict=True)]
    paid = []
    for item, result in zip(items, results, strict=True):
        if isinstance(result, charging.Charged):
            _complete(item.message, result, now=now)
            paid.append(item)
    unpaid = [item for item, why in zip(items, refusals, strict=True) if why]
    if unpaid:
        queue_sql.remove([item.message.pk for item in unpaid])
        give_back([item.sending for item in unpaid], rules, now=now)
    _save(item.message for item in paid)
    fault.hit("submission.stored")
    if paid:
        transaction.on_commit(partial(log.info, "sms_accepted", messages=[str(item.message.pk) for item in paid]))
    due = [each for each, why in zip(queued, refusals, strict=True) if not why and each.not_before <= now]
    _nudge_after_commit(due)
    return refusals


def _nudge_after_commit(queued: Sequence[queue_sql.Queued]) -> None:
    aliases = {gateway for each in queued for _number, _name, gateway in each.to}
    if aliases:
        nudge.on_commit(aliases)


def _queued(item: Item) -> queue_sql.Queued:
    pinned = item.message.gateway
    gateways = [pinned] * len(item.to) if pinned else configured.first_routes(item.numbers)
    to = [(number, name, gateway) for (number, name), gateway in zip(item.to, gateways, strict=True)]
    return queue_sql.Queued(item.message.pk, to, _lane(item.message), item.not_before, item.message.valid_until)


def _lane(message: Message) -> int:
    """Alerts and reminders before what people write, and that before lists (SPEED.md, decision 7)."""
    if message.recipients >= LIST_FROM:
        return LIST
    own = (Message.Occasion.FORM, Message.Occasion.API, Message.Occasion.LETTER)
    return NORMAL if message.occasion in own else URGENT


def _charge(item: Item) -> charging.Charge:
    message = item.message
    return charging.Charge(
        user_id=message.user_id, parts=message.parts, key=f"sms:{message.pk}", occasion=message.occasion,
        reference=str(message.pk), agreed=item.agreed,
    )  # fmt: skip


def _refusal(item: Item, result: charging.Charged | charging.Changed | charging.NotEnough) -> NotAccepted | None:
    each = item.message.parts_each
    if isinstance(result, charging.NotEnough):
        return NotEnough(
            missing_parts=result.missing_parts, missing_amount=result.missing_amount, payable=result.payable // each
        )
    if isinstance(result, charging.Changed):
        cost = result.split
        return PriceChanged(from_allowance=cost.from_allowance, from_balance=cost.from_balance, price=result.price)
    return None


def _complete(message: Message, charged: charging.Charged, *, now: datetime) -> None:
    message.state = Message.State.ACCEPTED
    message.accepted_at = now
    message.charge, message.price, message.from_allowance = charged.entry, charged.price, charged.from_allowance
    message.planned_to = None


def _save(messages: Iterable[Message]) -> None:
    fresh: list[Message] = []
    for message in messages:
        if message._state.adding:
            fresh.append(message)
        else:
            message.save()
    Message.objects.bulk_create(fresh)
