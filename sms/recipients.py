"""Whom an SMS on the form goes to: what was typed, read once, each number once (S3, S5, N15)."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice

import phonenumbers
from django.conf import settings

from contacts.models import User
from contacts.phone_numbers import Entry, Reading, Repair, read, split_many
from credit import limits

SHOWN = 50
LOOKED_AT_FOR_NOTES = 500
_PLAIN_NAME = re.compile(r"[\w .'-]*")


@dataclass(frozen=True, slots=True)
class Person:
    """One recipient: the name, if one was given, and the number as read."""

    name: str
    reading: Reading

    @property
    def typed(self) -> str:
        """What was typed, in the form in which a list of many is read again."""
        return entry(self.name, self.reading.typed)

    @property
    def cures(self) -> list[Repair]:
        """The numbers that may have been meant and that an SMS can go to."""
        return [repair for repair in self.reading.repairs if not repair.refused]


@dataclass(frozen=True)
class Recipients:
    """`people` in the typed order, each number once; `repeated` are those that stood there already."""

    people: Sequence[Person]
    repeated: Sequence[Person]

    @cached_property
    def good(self) -> list[Person]:
        """Those that an SMS can go to."""
        return [person for person in self.people if person.reading.ok]

    @cached_property
    def bad(self) -> list[Person]:
        """Those that need a cure first."""
        return [person for person in self.people if not person.reading.ok]

    @property
    def typed(self) -> list[str]:
        """What was typed for each, in order: what a draft keeps."""
        return [person.typed for person in self.people]

    @property
    def shown(self) -> list[Person]:
        """The first good ones: a page of 10,000 chips helps nobody."""
        return self.good[:SHOWN]

    @property
    def further(self) -> int:
        """How many good ones are not shown."""
        return max(0, len(self.good) - SHOWN)

    @property
    def shown_bad(self) -> list[Person]:
        """The first bad ones."""
        return self.bad[:SHOWN]

    @property
    def further_bad(self) -> int:
        """How many bad ones are not shown."""
        return max(0, len(self.bad) - SHOWN)

    @property
    def notes(self) -> list[tuple[str, str]]:
        """(country, what one should know of its operators), for the countries that the numbers are of (S10)."""
        codes = tuple(f"+{phonenumbers.country_code_for_region(country)}" for country in settings.SMS_NOTES)
        noted = (person.reading for person in self.good if (person.reading.number or "").startswith(codes))
        countries = dict.fromkeys(reading.country for reading in islice(noted, LOOKED_AT_FOR_NOTES))
        return [(country, str(settings.SMS_NOTES[country])) for country in countries if country in settings.SMS_NOTES]


def read_recipients(entries: Iterable[Entry], *, country: str) -> Recipients:
    """Read what was typed for each recipient, for a user of `country` (two letters); a number counts once."""
    seen: set[str] = set()
    people: list[Person] = []
    repeated: list[Person] = []
    for entry in entries:
        reading = read(entry.typed, country=country)
        key = reading.number or reading.typed
        (repeated if key in seen else people).append(Person(entry.name, reading))
        seen.add(key)
    return Recipients(people, repeated)


def without_barred(recipients: Recipients, *, user: User) -> Recipients:
    """Return the recipients with those that `user` may not send to among the bad ones, with why (N18)."""
    readings = barred([person.reading for person in recipients.people], user=user)
    people = [Person(person.name, reading) for person, reading in zip(recipients.people, readings, strict=True)]
    return Recipients(people, recipients.repeated)


def barred(readings: Sequence[Reading], *, user: User) -> list[Reading]:
    """Return the readings, those that `user` may not send to with the reason; one statement for all."""
    reasons = limits.barred(user, [reading.number for reading in readings if reading.number])
    return [replace(each, reason=reasons[each.number]) if each.number in reasons else each for each in readings]


def entry(name: str, typed: str) -> str:
    """Return one recipient as a list of many can hold it: the name, if there is one, quoted where it has to be."""
    if not name:
        return typed
    bare = name.replace('"', "'")
    return f"{bare} <{typed}>" if _PLAIN_NAME.fullmatch(bare) else f'"{bare}" <{typed}>'


def entries(text: str) -> list[Entry]:
    """Return the recipients in a text of one or many, as typed."""
    return list(split_many(text))
