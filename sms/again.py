"""Back to the form: the recipients that an SMS did not reach, with its text, as a draft (N13)."""

from dataclasses import dataclass

from contacts.models import User
from sms.models import Delivery, Message
from sms.quote import signed
from sms.recipients import entry

STATES = {
    "cancelled": (Delivery.State.CANCELLED,),
    "failed": (Delivery.State.REFUSED, Delivery.State.EXPIRED),
    "unconfirmed": (Delivery.State.UNCONFIRMED,),
}


@dataclass(frozen=True, slots=True)
class Again:
    """What goes back on the form: recipients as an entry each, the text without its signature, and whether to sign."""

    to: list[str]
    text: str
    sign: bool


def again(message: Message, which: str) -> Again:
    """Return what goes back on the form of `message`: "all", or those whose delivery ended as a key of STATES says."""
    text, sign = _unsigned(message.text, message.user)
    return Again([entry(name, number) for number, name in _people(message, which)], text, sign)


def _people(message: Message, which: str) -> list[tuple[str, str]]:
    if message.state != Message.State.ACCEPTED:
        return [(number, name) for number, name in message.planned_to or []]
    found = message.deliveries.filter(state__in=STATES[which]) if which in STATES else message.deliveries.all()
    return list(found.order_by("position").values_list("number", "name"))


def _unsigned(text: str, user: User) -> tuple[str, bool]:
    bare = text.removesuffix(user.signature.strip()).removesuffix("\n")
    was_signed = bare != text and signed(bare, user) == text
    return (bare, True) if was_signed else (text, not user.signature.strip())
