"""Finds who of an import is there already: the same person, in the book or in an earlier row of the file.

Two are the same person where they share a number or an e-mail address and their names do not differ, or where the names
are the same and one of them has neither number nor address. The same name alone is not enough: there are two Jan
Peeters, and an SMS must not go to the other one.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Lower

from contacts.address_book import live
from contacts.filing import Card
from contacts.folding import fold
from contacts.models import Book, ContactEmail, ContactNumber
from contacts.phone_numbers import Kind, read_contact

_NAMES = ("first_name", "last_name", "company")


@dataclass(frozen=True, slots=True)
class Person:
    """What somebody is recognised by: a folded name, and ways to reach them (E.164, addresses in small letters)."""

    name: str
    sorted_as: str
    ways: frozenset[str]

    @classmethod
    def of(cls, card: Card, *, country: str) -> "Person":
        """Return who a card is about; a number that cannot be read counts as it was typed."""
        numbers = (way_of(typed, kind, country=country) for typed, kind in card.numbers)
        emails = (address.lower() for address, _kind in card.emails)
        name = name_of(card.first_name, card.last_name, card.company)
        return cls(name, card.sorted_as, frozenset([*numbers, *emails]))


@dataclass(slots=True)
class Seen:
    """The people of a file so far, by row: the first one of each name, however many share a number."""

    by_way: dict[str, dict[str, int]] = field(default_factory=dict)
    without_ways: dict[str, int] = field(default_factory=dict)
    by_name: dict[str, int] = field(default_factory=dict)

    def twin(self, person: Person) -> int | None:
        """Return the row of the same person, or None."""
        return same(person, self.by_way, self.without_ways if person.ways else self.by_name)

    def add(self, person: Person, row: int) -> None:
        """Remember somebody who stands in this row."""
        if person.name:
            self.by_name.setdefault(person.name, row)
            if not person.ways:
                self.without_ways.setdefault(person.name, row)
        for way in person.ways:
            self.by_way.setdefault(way, {}).setdefault(person.name, row)


def name_of(first: str, last: str, company: str) -> str:
    """Return the name that two cards are compared by; that of a company only where nobody is named."""
    return fold(f"{first} {last}") or fold(company)


@lru_cache(maxsize=16_384)  # a row is looked at when it is read, when it is filed, and when it is merged
def way_of(typed: str, kind: str, *, country: str) -> str:
    """Return a number as it is compared: E.164, or as typed where it cannot be read."""
    return read_contact(typed, kind=Kind(kind), country=country).understood or typed


def same(person: Person, by_way: Mapping[str, Mapping[str, int]], by_name: Mapping[str, int]) -> int | None:
    """Return the first of those who share a way under the same name, or where one has none; else who has the name."""
    found: list[int] = []
    for names in (by_way[way] for way in person.ways if way in by_way):
        known = (names.get(person.name), names.get("")) if person.name else (next(iter(names.values())),)
        found += [each for each in known if each is not None]
    return min(found, default=by_name.get(person.name) if person.name else None)


def in_book(book: Book, people: Sequence[Person]) -> list[int | None]:
    """Return the id of the contact that each person is already, or None; three statements."""
    ways = {way for person in people for way in person.ways}
    by_way: dict[str, dict[str, int]] = {}
    for way, contact, *names in _having(book, ways):
        by_way.setdefault(way, {}).setdefault(name_of(*names), contact)
    by_name, without_ways = _named(book, people)
    return [same(person, by_way, without_ways if person.ways else by_name) for person in people]


def _having(book: Book, ways: Iterable[str]) -> Iterator[tuple[Any, ...]]:
    """Yield (way, contact, first name, last name, company) of those who are reached by one of these ways."""
    emails = [way for way in ways if "@" in way]
    numbers = [way for way in ways if "@" not in way]
    mine = Q(contact__book=book, contact__deleted_at=None)
    told = ("contact_id", *(f"contact__{name}" for name in _NAMES))
    yield from ContactNumber.objects.filter(mine, number__in=numbers).values_list("number", *told)
    addresses = ContactEmail.objects.filter(mine).annotate(small=Lower("address"))
    yield from addresses.filter(small__in=emails).values_list("small", *told)


def _named(book: Book, people: Iterable[Person]) -> tuple[dict[str, int], dict[str, int]]:
    """Return the contacts that have the name of somebody here: all of them, and those without number and address."""
    wanted = {person.sorted_as for person in people if person.name}
    silent = ~Exists(ContactNumber.objects.filter(contact=OuterRef("pk"))) & ~Exists(
        ContactEmail.objects.filter(contact=OuterRef("pk"))
    )
    found = live().filter(book=book, sort_name__in=wanted).annotate(silent=silent).order_by("-pk")
    everybody, without_ways = {}, {}
    for contact, is_silent, *names in found.values_list("pk", "silent", *_NAMES):
        everybody[name_of(*names)] = contact
        if is_silent:
            without_ways[name_of(*names)] = contact
    return everybody, without_ways
