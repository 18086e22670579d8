"""Proof that an SMS left our system: the code on the sheet, and what it is checked against (S20, N2).

The code is the signature. It holds the delivery's id and 60 bits of an HMAC-SHA256, under a key of its own derived
from SECRET_KEY, over all that the sheet says: number, text, moments, gateway, reference, parts. So nothing is stored
for it, nobody can guess one (2⁶⁰ tries through a page that allows some dozens a minute), and it is no longer genuine
if our records were changed after the sheet was made. The id is veiled by the HMAC, as it would tell how much we send.
"""

import json
import re
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urljoin

from django.conf import settings
from django.urls import reverse
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.translation import gettext as _

from contacts import phone_numbers
from sms import parts
from sms.models import Delivery

ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base 32: no I, L, O, U to mistake
ID_BITS: Final = 40
MARK_BITS: Final = 60
_LENGTH: Final = (ID_BITS + MARK_BITS) // 5
_MISTAKEN: Final = str.maketrans("ILO", "110")
_BETWEEN: Final = re.compile(r"[\s-]+")


class NotDeparted(ValueError):
    """The delivery is not known to have left: there is nothing to prove."""


def code_of(delivery: Delivery) -> str:
    """Return the code of a delivery that has left: five groups of four. Its `message` is looked up if need be.

    Raises NotDeparted for one in any other state than `sent`.
    """
    if delivery.state != Delivery.State.SENT:
        raise NotDeparted
    key = settings.SECRET_KEY
    mark = _mark(delivery, key)
    return _spelled((delivery.pk ^ _veil(mark, key)) << MARK_BITS | mark)


def address_of(delivery: Delivery) -> str:
    """Return the address where anyone can check the delivery's proof; raises NotDeparted as `code_of` does."""
    return urljoin(f"{settings.BASE_URL}/", reverse("proof", args=[code_of(delivery)]).lstrip("/"))


def find(code: str) -> Delivery | None:
    """Return the delivery, with its message, that a genuine `code` belongs to; None for any other text.

    Case, blanks and hyphens do not count, and I, L, O pass for 1, 1, 0. Codes made under an older key stay genuine
    as long as SECRET_KEY_FALLBACKS holds it.
    """
    value = _read(code)
    if value is None:
        return None
    keys = [settings.SECRET_KEY, *map(str, settings.SECRET_KEY_FALLBACKS)]
    return next((found for found in (_signed(value, key) for key in keys) if found), None)


def plain(code: str) -> str:
    """Return the letters of a typed code in their one spelling."""
    return _BETWEEN.sub("", code).upper().translate(_MISTAKEN)


def agrees(delivery: Delivery, *, number: str, text: str) -> bool:
    """Return whether both the number and the text are those of `delivery`.

    One answer for both, and no hint which one differs: who only has the code must not try texts out one by one.
    Blanks and line ends may differ, as they do on paper.
    """
    same_number = phone_numbers.read(number, country=None).understood == delivery.number
    return _bare(text) == _bare(delivery.message.text) and same_number


def masked(number: str) -> str:
    """Return as much of an E.164 number as a stranger may see: `+32 … 56`."""
    country_code = phone_numbers.shown(number).partition(" ")[0]
    return f"{country_code if len(country_code) <= 4 else '+'} … {number[-2:]}"


def proves() -> str:
    """Return what a proof of departure says, in the reader's language."""
    return _("This SMS left our system at the moment shown: the gateway took it from us.")


def proves_not() -> list[str]:
    """Return what a proof of departure does not prove, in the reader's language."""
    return [
        _("That the telephone received it: it may be off, out of reach or full."),
        _("That anybody read it."),
        _("Whose the number is."),
    ]


def _signed(value: int, key: str) -> Delivery | None:
    veiled, mark = divmod(value, 1 << MARK_BITS)
    with_text = Delivery.objects.select_related("message")
    found = with_text.filter(pk=veiled ^ _veil(mark, key), state=Delivery.State.SENT).first()
    genuine = found is not None and constant_time_compare(str(_mark(found, key)), str(mark))
    return found if genuine else None


def _mark(delivery: Delivery, key: str) -> int:
    message = delivery.message
    said = [
        str(message.pk), delivery.position, delivery.number, message.text, message.parts_each, delivery.gateway,
        delivery.reference, _utc(message.accepted_at), _utc(delivery.handed_at), _utc(delivery.sent_at),
    ]  # fmt: skip
    return _bits("sms.departure.mark", json.dumps(said), key, MARK_BITS)


def _veil(mark: int, key: str) -> int:
    return _bits("sms.departure.veil", str(mark), key, ID_BITS)


def _bits(salt: str, value: str, key: str, bits: int) -> int:
    digest = salted_hmac(salt, value, secret=key, algorithm="sha256").digest()
    return int.from_bytes(digest) >> (len(digest) * 8 - bits)


def _utc(at: datetime | None) -> str:
    return at.astimezone(UTC).isoformat() if at else ""


def _spelled(value: int) -> str:
    letters = "".join(ALPHABET[value >> shift & 31] for shift in range(ID_BITS + MARK_BITS - 5, -1, -5))
    return "-".join(letters[start : start + 4] for start in range(0, _LENGTH, 4))


def _read(code: str) -> int | None:
    letters = plain(code)
    if len(letters) != _LENGTH or not set(letters) <= set(ALPHABET):
        return None
    value = 0
    for letter in letters:
        value = value << 5 | ALPHABET.index(letter)
    return value


def _bare(text: str) -> str:
    return " ".join(parts.clean(text).split())
