"""Why an SMS was not accepted, as the API says it: status, code, a sentence, and what stands beside it."""

from collections.abc import Callable, Sequence

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from contacts.api import Refused
from contacts.phone_numbers import Reading
from credit.api import amount
from credit.limit_words import said
from credit.limits import Reached
from sms import submission
from sms.gateways.configured import NoGateway
from sms.shapes import ReadingSerializer

Why = submission.NotAccepted | NoGateway


def of(why: Why, *, readings: Callable[[], Sequence[Reading]]) -> Exception:
    """Return the answer that says `why`, or `why` itself where it has none; `readings` gives all that was typed."""
    match why:
        case submission.BadRecipients():
            return bad_numbers(readings())
        case submission.BadText():
            return too_long(length=why.length, most=why.most)
        case submission.NotEnough():
            return not_enough(why)
        case submission.KeyReused():
            return key_reused()
        case submission.OverLimit():
            return over_limit(why.reached)
    return _in_words(why)


def bad_numbers(readings: Sequence[Reading]) -> Refused:
    """Return 400 with each entry as it was read."""
    bad = sum(not reading.ok for reading in readings)
    told = ngettext(
        "One number cannot get this SMS. Nothing was sent.",
        "%(many)s numbers cannot get this SMS. Nothing was sent.", bad,
    ) % {"many": bad}  # fmt: skip
    each = ReadingSerializer(readings, many=True).data
    return Refused(400, "bad_numbers", told, fields={"to": [told]}, more={"to": each})


def too_many() -> Refused:
    """Return 400: more numbers than one call takes."""
    told = _("At most 10,000 numbers go into one call.")
    return Refused(400, "too_many", told, fields={"to": [told]})


def too_long(*, length: int, most: int) -> Refused:
    """Return 400 for a text of `length` units where `most` fit."""
    told = _("The text takes %(length)s characters; at most %(most)s fit. Shorten it by %(over)s.")
    told %= {"length": length, "most": most, "over": length - most}
    return Refused(400, "too_long", told, fields={"text": [told]})


def not_enough(why: submission.NotEnough) -> Refused:
    """Return 402 with what is missing."""
    told = _("Nothing was sent and nothing was paid: your credit is too low.")
    missing = {"missing_parts": why.missing_parts, "missing_amount": amount(why.missing_amount)}
    return Refused(402, "not_enough", told, more=missing | {"payable": why.payable})


def over_limit(reached: Reached) -> Refused:
    """Return 429 with the limit's name, what still fits, and when it counts anew."""
    more = {"limit": reached.name, "left": reached.left, "frees_at": reached.frees_at.isoformat()}
    return Refused(429, "over_limit", said(reached), more=more)


def key_missing() -> Refused:
    """Return 400: the call says no Idempotency-Key, or one that is none."""
    told = _("This call needs the header Idempotency-Key: a name of your own for it, of 1 to 255 plain characters.")
    return Refused(400, "key_missing", told, fields={"Idempotency-Key": [told]})


def key_reused() -> Refused:
    """Return 409: the key was another call's."""
    return Refused(409, "key_reused", _("This Idempotency-Key was used for another call. Take a new one."))


def _in_words(why: Why) -> Exception:
    if isinstance(why, submission.BadMoment):
        told = _("Choose a moment that is not past, and within a year from now.")
        return Refused(400, "bad_moment", told, fields={"send_at": [told]})
    if isinstance(why, submission.MayNotSend):
        return Refused(403, "may_not_send", _("You cannot send SMS at the moment. Ask whoever runs this office."))
    if isinstance(why, NoGateway):
        text = _("This office has no gateway to send SMS by yet. Nothing was sent. Ask whoever runs this office.")
        return Refused(503, "no_gateway", text)
    return why
