"""vCard 4.0 out (RFC 6350): CRLF, lines folded at 75 octets, four characters escaped. Pure."""

from collections.abc import Iterable, Iterator
from typing import Final

from contacts.csv_files import Written

LONGEST: Final = 75  # octets of a line, its end not counted (RFC 6350, 3.2)

_TYPES = {"mobile": "cell", "home": "home", "work": "work", "fax": "fax", "other": "x-other"}
_ESCAPES = str.maketrans({"\\": "\\\\", ",": "\\,", ";": "\\;", "\n": "\\n", "\r": None})


def write(contact: Written) -> str:
    """Return one card, with its line ends."""
    return "".join(map(folded, _lines(contact)))


def folded(text: str) -> str:
    """Return a line in pieces of at most 75 octets, no character cut, each but the first after a blank."""
    pieces, size = [""], 0
    for char in text:
        octets = len(char.encode("utf-8", "replace"))
        if size + octets > LONGEST:
            pieces.append(" ")
            size = 1
        pieces[-1] += char
        size += octets
    return "\r\n".join(pieces) + "\r\n"


def _lines(contact: Written) -> Iterator[str]:
    yield "BEGIN:VCARD"
    yield "VERSION:4.0"
    yield f"FN:{_escaped(contact.name)}"
    parts = (contact.last_name, contact.first_name, contact.middle_name, contact.prefix, contact.suffix)
    if any(parts):
        yield f"N:{';'.join(map(_escaped, parts))}"
    yield from _text("ORG", contact.company)
    for typed, kind in contact.numbers:
        yield _number(typed, kind)
    for address, kind in contact.emails:
        yield f"EMAIL{'' if kind == 'other' else f';TYPE={kind}'}:{_escaped(address)}"
    yield from _text("LANG", contact.language)
    yield from _text("NOTE", contact.notes)
    yield "END:VCARD"


def _number(typed: str, kind: str) -> str:
    """An international number as a URI (RFC 3966), any other as it was typed."""
    digits = "".join(char for char in typed if char not in " ().-/")
    if digits.startswith("+") and digits[1:].isascii() and digits[1:].isdigit():
        return f"TEL;VALUE=uri;TYPE={_TYPES[kind]}:tel:{digits}"
    return f"TEL;VALUE=text;TYPE={_TYPES[kind]}:{_escaped(typed)}"


def _text(name: str, value: str) -> Iterable[str]:
    return [f"{name}:{_escaped(value)}"] if value else []


def _escaped(text: str) -> str:
    return text.translate(_ESCAPES)
