"""What a search compares: names without case and accents, numbers as digits however they are written. Pure."""

import re
import unicodedata
from collections.abc import Iterable

from contacts.number_text import Digits, clean

FIRST_WORDS = 8

_NO_LETTERS = re.compile(r"[^0-9+()\[\] ]")
_NUMBERLIKE = re.compile(r"[+./()\[\]-]*[0-9][0-9+./()\[\]-]*")


def fold(text: str) -> str:
    """Return `text` in small letters, without accents, with single blanks."""
    plain = unicodedata.normalize("NFKD", text)
    bare = plain if plain.isascii() else "".join(char for char in plain if not unicodedata.combining(char))
    return " ".join(bare.casefold().split())


def searchable(words: Iterable[str], *, numbers: Iterable[tuple[str, str]]) -> str:
    """Return all that a contact is found by, a line each: its words, and the digits of each (typed, E.164)."""
    lines = [fold(text) for text in words if text]
    for typed, number in numbers:
        known, written = number[1:], _digits(clean(typed))
        lines += [known, "" if known.endswith(written) else written]
    return "\n".join(line for line in lines if line)


def wanted(query: str) -> list[tuple[str, ...]]:
    """Return what must all be in a `searchable` text, each by one of its spellings; nothing where nothing was asked.

    `jan 0475 12` asks for "jan" and for "47512": a number is looked for without blanks and without the zeros before it.
    """
    asked: list[tuple[str, ...]] = []
    number: list[str] = []
    for token in [*clean(query).split(), ""]:
        if token and _NUMBERLIKE.fullmatch(token):
            number.append(token)
            continue
        if number:
            asked.append(_spellings(" ".join(number)))
            number = []
        if fold(token):
            asked.append((fold(token),))
    return asked[:FIRST_WORDS]


def _spellings(number: str) -> tuple[str, ...]:
    digits = _digits(number)
    return tuple(dict.fromkeys(spelling for spelling in (digits, fold(number)) if spelling))


def _digits(text: str) -> str:
    """Return the digits of a number as typed, less a bracketed zero and the zeros before it; "0" is all of zeros."""
    spared = Digits.of(_NO_LETTERS.sub(" ", text)).spared
    return spared.lstrip("0") or spared[:1]
