"""What happened to an SMS, told in plain sentences that also say what they do not prove (S20, N4, N13, N16)."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from contacts.templatetags.figures import money
from sms.history import ON_THEIR_WAY, share_of_allowance
from sms.models import REFUNDED, Delivery, Message
from sms.sweeper import UNKNOWN_FOR

KINDS = {
    "queued": "busy", "sending": "busy", "relayed": "busy", "sent": "good", "unknown": "warning",
    "unconfirmed": "warning", "refused": "bad", "cancelled": "plain", "expired": "bad", "planned": "plain",
    "not_accepted": "bad",
}  # fmt: skip
ICONS = {
    "queued": "clock", "sending": "send", "relayed": "send", "sent": "circle-check", "unknown": "circle-question-mark",
    "unconfirmed": "circle-question-mark", "refused": "circle-x", "cancelled": "undo-2", "expired": "circle-x",
    "planned": "calendar-clock", "not_accepted": "circle-x",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class State:
    """A state in words, how many it holds for (0: not said), and the badge that repeats it."""

    words: str
    many: int
    kind: str
    icon: str


@dataclass(frozen=True, slots=True)
class Step:
    """One moment in the life of an SMS; `at` is None where the moment is not known or still to come."""

    at: datetime | None
    text: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """Where a message stands: one sentence for all of it, and whether it can still change by itself."""

    text: str
    kind: str
    open: bool


def states(message: Message, counts: Mapping[str, int]) -> list[State]:
    """Return the states that the deliveries of `message` are in, most first; its own state where it has none."""
    if not counts:
        return [State(message.get_state_display(), 0, KINDS[message.state], ICONS[message.state])]
    found = sorted(counts.items(), key=lambda item: -item[1])
    many = len(found) > 1 or message.recipients > 1
    return [_state(state, count if many else 0) for state, count in found]


def state_of(delivery: Delivery) -> State:
    """Return the state of one delivery."""
    return _state(delivery.state, 0)


def outcome(message: Message, counts: Mapping[str, int]) -> Outcome:
    """Return where `message` stands as a whole, from how many of its deliveries are in which state."""
    if message.state != Message.State.ACCEPTED:
        return _not_accepted(message)
    waiting = sum(counts.get(state, 0) for state in ON_THEIR_WAY)
    if waiting:
        text = ngettext("Your SMS is on its way.", "Your SMS are on their way.", message.recipients)
        return Outcome(text, "info", open=True)
    left, unknown = counts.get("sent", 0), counts.get("unknown", 0)
    if left == message.recipients:
        return Outcome(_left(left), "success", open=False)
    if unknown:
        return Outcome(_unknown(unknown), "warning", open=True)
    return _ended(left, counts)


def story(message: Message, delivery: Delivery) -> list[Step]:
    """Return the life of one delivery, oldest first: composed, paid, handed over, answered, receipt, refund."""
    steps = [Step(message.created_at, _composed(message)), Step(message.accepted_at, _paid(message, delivery))]
    steps += _TELLERS[delivery.state](message, delivery)
    steps += _receipt(delivery)
    if delivery.state in REFUNDED:
        steps.append(Step(delivery.state_at, _refunded(message, delivery)))
    return steps


def why_refused(delivery: Delivery) -> str:
    """Return why a refused delivery did not leave, in words."""
    why = {
        "not_reached": _("It did not leave: the gateway could not be reached in five tries."),
        "daily_cap": _("It did not leave: this number has had as many SMS today as the office allows."),
        "may_not_send": _("It did not leave: you could not send SMS at that moment."),
    }
    if delivery.reason in why:
        return why[delivery.reason]
    text = _("It did not leave: the gateway “%(gateway)s” refused it. Its reason: %(reason)s.")
    return text % {"gateway": delivery.gateway, "reason": delivery.reason or _("none given")}


def price_paid(message: Message) -> str:
    """Return what `message` cost, by pocket, in words."""
    return _pockets(message.from_allowance, (message.parts - message.from_allowance) * message.price)


def pockets_of(message: Message, delivery: Delivery) -> tuple[int, int]:
    """Return what one delivery cost: parts of the allowance, units of the balance."""
    share = share_of_allowance(
        position=delivery.position, parts_each=message.parts_each, from_allowance=message.from_allowance
    )
    return share, (message.parts_each - share) * message.price


def _state(state: str, many: int) -> State:
    return State(str(Delivery.State(state).label), many, KINDS[state], ICONS[state])


def _not_accepted(message: Message) -> Outcome:
    if message.state == Message.State.PLANNED:
        moment = _moment(message.release_at)
        return Outcome(_("Planned for %(moment)s; it is paid when it goes.") % {"moment": moment}, "info", open=True)
    if message.state == Message.State.CANCELLED:
        return Outcome(_("You cancelled it. Nobody gets it, and it cost nothing."), "info", open=False)
    return Outcome(_why_not(message.why_not), "danger", open=False)


def _why_not(reason: str) -> str:
    if reason == "no_credit":
        return _("It was not sent: when its moment came there was not enough credit. Nothing was paid.")
    if reason == "over_limit":
        return _("It was not sent: when its moment came a limit on sending was reached. Nothing was paid.")
    if reason == "asked_not":
        return _("It was not sent: none of its recipients may get SMS any more. Nothing was paid.")
    if reason == "restored":
        return _("Its moment passed while the office was put back from a copy, so it may have been sent or not.")
    return _("It was not sent: when its moment came you could not send SMS. Nothing was paid.")


def _ended(left: int, counts: Mapping[str, int]) -> Outcome:
    not_left = sum(counts.get(state, 0) for state in REFUNDED)
    if not left and counts.get("cancelled", 0) == not_left:
        text = ngettext("Cancelled: nobody gets it, and what it cost was paid back.",
                        "Cancelled: nobody gets them, and what they cost was paid back.", not_left)  # fmt: skip
        return Outcome(text, "info", open=False)
    told = [_left(left)] if left else []
    told += [sentence(counts[state]) for state, sentence in _ENDS.items() if counts.get(state)]
    return Outcome(" ".join([*told, _("What did not leave was paid back.")]), "warning", open=False)


def _left(many: int) -> str:
    return ngettext(
        "It has left our system.", "%(many)s SMS have left our system.", many
    ) % {"many": many}  # fmt: skip


def _unknown(many: int) -> str:
    return ngettext(
        "Of one SMS we do not know whether it left.", "Of %(many)s SMS we do not know whether they left.", many
    ) % {"many": many}  # fmt: skip


_ENDS: dict[str, Callable[[int], str]] = {
    "cancelled": lambda many: ngettext("One was cancelled.", "%(many)s were cancelled.", many) % {"many": many},
    "refused": lambda many: ngettext("One was refused.", "%(many)s were refused.", many) % {"many": many},
    "expired": lambda many: ngettext(
        "One waited too long and was not sent.", "%(many)s waited too long and were not sent.", many
    ) % {"many": many},
    "unconfirmed": lambda many: ngettext(
        "One was never confirmed; it may have arrived.", "%(many)s were never confirmed; they may have arrived.", many
    ) % {"many": many},
}  # fmt: skip


def _composed(message: Message) -> str:
    if message.occasion == Message.Occasion.FORM and message.occasion_reference:
        return _("You sent an earlier SMS again, to those it had not surely reached.")
    if message.occasion == Message.Occasion.FORM:
        return _("You wrote it on the SMS form.")
    return _("It was made by: %(occasion)s.") % {"occasion": message.get_occasion_display()}


def _paid(message: Message, delivery: Delivery) -> str:
    return _("Paid: %(pockets)s.") % {"pockets": _pockets(*pockets_of(message, delivery))}


def _refunded(message: Message, delivery: Delivery) -> str:
    return _("Paid back to where it came from: %(pockets)s.") % {"pockets": _pockets(*pockets_of(message, delivery))}


def _pockets(parts: int, units: int) -> str:
    allowance = ngettext(
        "%(many)s SMS of the month's allowance", "%(many)s SMS of the month's allowance", parts
    ) % {"many": parts}  # fmt: skip
    balance = _("%(amount)s of the balance") % {"amount": money(units)}
    if parts and units:
        return _("%(allowance)s and %(balance)s") % {"allowance": allowance, "balance": balance}
    return balance if units else allowance


def _queued(message: Message, delivery: Delivery) -> Iterator[Step]:
    if delivery.attempt:
        text = _("The gateway could not be reached. Nothing has left. At %(moment)s it is tried again.")
        yield Step(delivery.state_at, text % {"moment": _moment(delivery.not_before)})
    else:
        yield Step(None, _("It waits for its turn. Nothing has left yet: it can still be cancelled."))


def _sending(message: Message, delivery: Delivery) -> Iterator[Step]:
    yield Step(
        delivery.handed_at, _("It is being handed over to the gateway “%(gateway)s”.") % {"gateway": delivery.gateway}
    )
    yield Step(None, _("Whether it has left is known as soon as the gateway answers."))


def _relayed(message: Message, delivery: Delivery) -> Iterator[Step]:
    yield _handed_over(delivery)
    text = _("Our own relay has it. That is no departure yet: we wait for the operator's yes.")
    yield Step(delivery.state_at, text)


def _sent(message: Message, delivery: Delivery) -> Iterator[Step]:
    yield _handed_over(delivery)
    if delivery.reference:
        text = _("It has left our system: the gateway “%(gateway)s” took it, under its reference %(reference)s.")
    else:
        text = _("It has left our system: the gateway “%(gateway)s” took it.")
    yield Step(delivery.sent_at, text % {"gateway": delivery.gateway, "reference": delivery.reference})
    if delivery.receipt == Delivery.Receipt.NONE:
        text = _("That proves departure, not reception: a telephone may be off, out of reach or full.")
        yield Step(None, text)


def _unknown_one(message: Message, delivery: Delivery) -> Iterator[Step]:
    yield _handed_over(delivery)
    yield Step(delivery.state_at, _why_unknown(delivery))
    decided = _moment(delivery.state_at + UNKNOWN_FOR)
    text = _("If nothing more is heard until %(moment)s, it counts as not confirmed and is paid back.")
    yield Step(None, text % {"moment": decided})


def _unconfirmed(message: Message, delivery: Delivery) -> Iterator[Step]:
    yield _handed_over(delivery)
    yield Step(delivery.state_at, _("Nobody confirmed for 24 hours that it left. It may have arrived all the same."))


def _refused(message: Message, delivery: Delivery) -> Iterator[Step]:
    if delivery.handed_at:
        yield _handed_over(delivery)
    yield Step(delivery.state_at, why_refused(delivery))


def _cancelled(message: Message, delivery: Delivery) -> Iterator[Step]:
    yield Step(delivery.state_at, _("You cancelled it before it left. Nobody gets it."))


def _expired(message: Message, delivery: Delivery) -> Iterator[Step]:
    text = _("It could not leave before %(moment)s and is not sent any more.")
    yield Step(delivery.state_at, text % {"moment": _moment(delivery.valid_until)})


_TELLERS: dict[str, Callable[[Message, Delivery], Iterator[Step]]] = {
    "queued": _queued,
    "sending": _sending,
    "relayed": _relayed,
    "sent": _sent,
    "unknown": _unknown_one,
    "unconfirmed": _unconfirmed,
    "refused": _refused,
    "cancelled": _cancelled,
    "expired": _expired,
}


def _handed_over(delivery: Delivery) -> Step:
    text = _("Handed over to the gateway “%(gateway)s”.") % {"gateway": delivery.gateway}
    return Step(delivery.handed_at, text)


def _why_unknown(delivery: Delivery) -> str:
    if delivery.reason == "restored":
        return _(
            "We do not know whether it left: the office was put back from a copy, and it may have left before that."
            " We do not send it again by ourselves, as it could arrive twice."
        )
    if delivery.reason == "no_receipt":
        return _(
            "We do not know whether it left: our own relay took it, but the operator said neither yes nor no."
            " We do not send it again by ourselves, as it could arrive twice."
        )
    return _(
        "We do not know whether it left: the connection ended before the gateway answered."
        " We do not send it again by ourselves, as it could arrive twice."
    )


def _receipt(delivery: Delivery) -> Iterator[Step]:
    said = {
        Delivery.Receipt.BUFFERED: _("The operator keeps it until the telephone can be reached."),
        Delivery.Receipt.UNDELIVERED: _("The operator says that it was not received. It did leave, so it stays paid."),
        Delivery.Receipt.DELIVERED: _(
            "The operator says that the telephone received it."
            " That is the operator's word; it does not prove that it was read."
        ),
    }
    if delivery.state in REFUNDED and delivery.receipt == Delivery.Receipt.DELIVERED:
        text = _("Later the operator said that the telephone received it after all. What was paid back stays yours.")
        yield Step(delivery.receipt_at, text)
    elif delivery.receipt in said:
        yield Step(delivery.receipt_at, said[Delivery.Receipt(delivery.receipt)])


def _moment(at: datetime | None) -> str:
    return date_format(localtime(at), "DATETIME_FORMAT") if at else ""
