"""What the form points out before Send: dear characters (N8), a missing address (N7), the night there (N14)."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from itertools import islice
from zoneinfo import ZoneInfo, available_timezones

import phonenumbers
from phonenumbers import timezone as number_zones

from contacts.phone_numbers import shown
from sms.parts import clean, costly

NIGHT_FROM, NIGHT_UNTIL = time(22), time(7)
NUMBERS_LOOKED_AT = 500
WORDS_SHOWN = 6
PREFIX = 8

_QUESTION = re.compile("[?¿؟？]")
_ADDRESS = re.compile(r"[^\s@]+@[^\s@]+\.\w|(?:\d[\s./()-]*){8,}")
_WORD = re.compile(r"\S+")


@dataclass(frozen=True, slots=True)
class CostlyWord:
    """A word with a character that makes the text dearer: what is before it, what after, and what says it plainly."""

    before: str
    character: str
    after: str
    plain: str | None


@dataclass(frozen=True, slots=True)
class Night:
    """It is night where so many `numbers` are, `number` the first; wall clocks there, the same where there is one."""

    numbers: int
    number: str
    earliest: datetime
    latest: datetime

    @property
    def shown(self) -> str:
        """The first number in international form."""
        return shown(self.number)

    @property
    def clock(self) -> str:
        """What the clocks there say: 03:12, or 01:12-04:12 where the number may be in several zones."""
        first, last = f"{self.earliest:%H:%M}", f"{self.latest:%H:%M}"
        return first if first == last else f"{first}–{last}"


def asks_without_address(text: str) -> bool:
    """Return whether `text` asks something and names neither a number nor an e-mail address to answer to (N7)."""
    return bool(_QUESTION.search(text)) and not _ADDRESS.search(text)


def costly_words(text: str) -> list[CostlyWord]:
    """Return the first words that hold a costly character, one per character, as they stand in `text` (N8)."""
    cleaned = clean(text)
    words = list(_WORD.finditer(cleaned))
    return [_in_its_word(cleaned, words, each.text, each.positions[0], each.plain) for each in costly(text)][
        :WORDS_SHOWN
    ]


def nights(numbers: Iterable[str], *, at: datetime, zone: str) -> list[Night]:
    """Return where it is night at `at`, among the first numbers (E.164), for somebody whose own clock is `zone` (N14).

    Only where every zone that the number may be in has night, and another clock than the reader's.
    """
    own = at.astimezone(ZoneInfo(zone)).utcoffset()
    there: defaultdict[tuple[datetime, datetime], list[str]] = defaultdict(list)
    for number, zones in _zones(islice(numbers, NUMBERS_LOOKED_AT)):
        clocks = [at.astimezone(ZoneInfo(name)) for name in zones]
        if clocks and all(_is_night(clock) and clock.utcoffset() != own for clock in clocks):
            walls = sorted(clock.replace(tzinfo=None) for clock in clocks)
            there[walls[0], walls[-1]].append(number)
    return [Night(len(found), found[0], *clocks) for clocks, found in there.items()]


def _in_its_word(
    text: str, words: Iterable[re.Match[str]], character: str, place: int, plain: str | None
) -> CostlyWord:
    start, end = next((word.span() for word in words if word.start() <= place < word.end()), (place, place))
    return CostlyWord(text[start:place], character, text[place + len(character) : end], plain)


def _is_night(clock: datetime) -> bool:
    return clock.time() >= NIGHT_FROM or clock.time() < NIGHT_UNTIL


def _zones(numbers: Iterable[str]) -> Iterator[tuple[str, Sequence[str]]]:
    """Yield each number with the zones it may be in; numbers that begin alike are looked up once."""
    known: dict[str, Sequence[str]] = {}
    for number in numbers:
        start = number[:PREFIX]
        if start not in known:
            found = number_zones.time_zones_for_number(phonenumbers.parse(number))
            known[start] = [name for name in found if name in available_timezones()]
        yield number, known[start]
