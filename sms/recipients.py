"""Whom an SMS on the form goes to: what was typed, read once, each number once (S3, S5, N15)."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import islice

import phonenumbers
from django.conf import settings
from django.utils.translation import gettext as _

from contacts import address_book
from contacts.address_book import MINE, Chosen, is_reference
from contacts.models import Contact, User
from contacts.number_reasons import SENTENCES
from contacts.phone_numbers import Entry, Form, Reading, Reason, Repair, read, split_many
from credit import limits

SHOWN = 50
TWICE_SHOWN = 5
LOOKED_AT_FOR_NOTES = 500
_PLAIN_NAME = re.compile(r"[\w .'-]*")


@dataclass(slots=True)
class Person:
    """One recipient: the name, if one was given, and the number as read.

    `via` are the lists and groups that the number comes from; `free` says that it also stands on the form by itself.
    """

    name: str
    reading: Reading
    via: list[str] = field(default_factory=list)
    free: bool = True

    @property
    def ways(self) -> list[str]:
        """By what it was chosen, each said once, the number itself first where it was (N15)."""
        via = list(dict.fromkeys(self.via))
        return [_("the number itself"), *via] if self.free else via

    @property
    def sentence(self) -> str:
        """What is wrong with it, in the reader's language."""
        if is_reference(self.reading.typed):
            return _("There is no such list or group for you any more.")
        return self.reading.sentence

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
    """`people` in the chosen order, each number once; `repeated` are those that stood there already.

    `typed` is what stands on the form: a list or a group as its reference, so that 10,000 are one entry.
    """

    people: Sequence[Person]
    repeated: Sequence[Person]
    chosen: Sequence[Chosen] = ()
    typed: Sequence[str] = ()
    user: User | None = None

    @cached_property
    def good(self) -> list[Person]:
        """Those that an SMS can go to."""
        return [person for person in self.people if person.reading.ok]

    @cached_property
    def bad(self) -> list[Person]:
        """Those that need a cure first."""
        return [person for person in self.people if not person.reading.ok]

    @cached_property
    def free(self) -> list[Person]:
        """The good ones that stand on the form by themselves."""
        return [person for person in self.good if person.free]

    @property
    def shown(self) -> list[Person]:
        """The first of these: a page of 10,000 chips helps nobody."""
        return self.free[:SHOWN]

    @property
    def further(self) -> int:
        """How many of these are not shown."""
        return max(0, len(self.free) - SHOWN)

    @cached_property
    def twice(self) -> list[Person]:
        """Those who were chosen in more than one way; each gets one SMS (N15)."""
        return [person for person in self.good if len(person.via) + person.free > 1] if self.chosen else []

    @property
    def shown_twice(self) -> list[Person]:
        """The first of these."""
        return self.twice[:TWICE_SHOWN]

    @property
    def further_twice(self) -> int:
        """How many of these are not shown."""
        return max(0, len(self.twice) - TWICE_SHOWN)

    @property
    def contacts_left_out(self) -> int:
        """How many contacts of the chosen lists and groups no SMS can go to, one in two lists counted twice."""
        return sum(each.left_out for each in self.chosen)

    @cached_property
    def left_out(self) -> list[tuple[Contact, str]]:
        """The first of these contacts, each with why."""
        if not self.user or not self.contacts_left_out:
            return []
        found = address_book.left_out(self.user, [each.reference for each in self.chosen])
        return [(contact, _why(contact)) for contact in found]

    @property
    def chosen_typed(self) -> list[tuple[Chosen, str]]:
        """Each list and group, with what stands for it on the form."""
        return [(each, entry(each.label, each.reference)) for each in self.chosen]

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


def read_recipients(entries: Iterable[Entry], *, user: User) -> Recipients:
    """Read what was typed for each recipient by `user`, and what was chosen; a number counts once."""
    typed = list(entries)
    chosen = _chosen(user, typed)
    by_reference = {each.reference: each for each in chosen}
    known = set(by_reference)
    people: dict[str, Person] = {}
    repeated: list[Person] = []
    kept: list[str] = []
    for one in typed:
        found = by_reference.pop(one.typed, None)
        if found:
            kept.append(entry(found.label, found.reference))
            _take_in(people, found)
        elif one.typed not in known:
            _add(people, repeated, kept, one, country=user.country)
    return Recipients(list(people.values()), repeated, chosen, kept, user)


def _chosen(user: User, typed: Sequence[Entry]) -> list[Chosen]:
    references = [one.typed for one in typed if is_reference(one.typed)]
    chosen = address_book.chosen(user, references) if references else []
    for each in chosen:
        if each.reference == MINE:
            each.label = _("my own contacts")
    return chosen


def _take_in(people: dict[str, Person], chosen: Chosen) -> None:
    """Add the numbers of a list or a group; one that is there already notes that it comes from here too."""
    for number, name in chosen.recipients:
        person = people.get(number)
        if person is None:
            reading = Reading(number, number, form=Form.INTERNATIONAL)
            person = people[number] = Person(name, reading, free=False)
        person.via.append(chosen.label)


def _add(people: dict[str, Person], repeated: list[Person], kept: list[str], one: Entry, *, country: str) -> None:
    """Add one that was typed, or ticked by itself."""
    gone = is_reference(one.typed)
    reading = Reading(one.typed, reason=Reason.UNREADABLE) if gone else read(one.typed, country=country)
    key, person = reading.number or reading.typed, Person(one.name, reading)
    before = people.setdefault(key, person)
    if before is not person and before.free:
        repeated.append(person)
        return
    before.free = True
    before.name, before.reading = one.name or before.name, reading
    kept.append(before.typed)


def _why(contact: Contact) -> str:
    reason = getattr(contact, "reason", None)
    return str(SENTENCES[Reason(reason)]) if reason else _("There is no number.")


def key(one: Entry, *, country: str) -> str:
    """Return what is the same for two entries of one number, however each is written, or of one list."""
    return one.typed if is_reference(one.typed) else read(one.typed, country=country).number or one.typed


def without_barred(recipients: Recipients, *, user: User) -> Recipients:
    """Return the recipients with those that `user` may not send to among the bad ones, with why (N18)."""
    readings = barred([person.reading for person in recipients.people], user=user)
    people = [replace(person, reading=reading) for person, reading in zip(recipients.people, readings, strict=True)]
    return replace(recipients, people=people)


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
