"""The picker beside the SMS form: contacts, lists and whole groups to tick, in tabs, searched as one types (S17).

What is ticked goes on the form at once, so the chips are the tray: it survives searching, paging and a closed picker.
Each line says which number, of which book; one that cannot be ticked is grey, with why and its cure (S19).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.utils.translation import gettext as _

from contacts import address_book, cures
from contacts.address_book import MINE
from contacts.books import Access, books_of
from contacts.models import Contact, ContactNumber, User
from contacts.number_reasons import SENTENCES, Reason
from contacts.phone_numbers import Repair, shown
from contacts.templatetags.words import joined_and
from sms.recipients import Person, Recipients, entry

LISTS = "lists"
LISTS_SHOWN = 50


@dataclass(frozen=True, slots=True)
class Line:
    """One number of a contact: `entry` is what its tick puts on the form; empty where it cannot be ticked."""

    name: str
    shown: str
    kind: str
    book: str
    entry: str
    ticked: bool
    via: str
    why: str
    number_id: int
    cures: Sequence[Repair]


@dataclass(frozen=True, slots=True)
class Whole:
    """A list, a group or all own contacts: ticked, it stands on the form as its reference."""

    label: str
    many: int
    entry: str
    ticked: bool
    book: str = ""


class Picker:
    """What the picker shows, as its fields say: `q` what is searched for, `tab` the book or "lists", `at` the page."""

    def __init__(self, posted: Mapping[str, Any], *, user: User, recipients: Recipients) -> None:
        self.user, self.recipients = user, recipients
        self.q = str(posted.get("q", "")).replace("\0", "")[:200]
        self.tab, self.at = str(posted.get("tab", "")), str(posted.get("at", ""))

    @cached_property
    def books(self) -> list[Access]:
        """The books that the user may open."""
        return books_of(self.user)

    @property
    def book(self) -> Access:
        """The book of the tab; the own one where there is no such tab."""
        return next((each for each in self.books if str(each.book.pk) == self.tab), self.books[0])

    @property
    def tabs(self) -> list[tuple[str, str, bool]]:
        """Each tab: its key, its name, and whether it is the one that is shown."""
        of_books = [(str(each.book.pk), _book(each)) for each in self.books]
        current = "" if self.q else LISTS if self.shows_lists else str(self.book.book.pk)
        return [(key, label, key == current) for key, label in [*of_books, (LISTS, _("Lists"))]]

    @property
    def shows_lists(self) -> bool:
        """Whether the tab of the lists is shown."""
        return self.tab == LISTS and not self.q

    @cached_property
    def page(self) -> address_book.Page:
        """The page of contacts: of the tab's book, or of all books where something is searched for."""
        books = self.books if self.q else [self.book]
        contacts = address_book.live().filter(book__in=[each.book for each in books])
        found = address_book.matching(contacts.prefetch_related("numbers"), self.q)
        return address_book.page(found, cursor=self.at)

    @cached_property
    def wholes(self) -> list[Whole]:
        """What can be ticked whole: the lists that match, or all of the tab's book."""
        if self.q or self.shows_lists:
            lists = address_book.lists_of(self.user).filter(name__icontains=self.q)[:LISTS_SHOWN]
            return [self._whole(each.name, f"list:{each.pk}", many(each), str(each.book.group or "")) for each in lists]
        contacts = address_book.live().filter(book=self.book.book).count()
        group = self.book.group
        label, reference = (group.name, f"group:{group.pk}") if group else (_("my own contacts"), MINE)
        return [self._whole(label, reference, contacts)] if contacts else []

    @property
    def contacts(self) -> list[tuple[Contact, list[Line]]]:
        """Each contact of the page with a line for each of its numbers."""
        if self.shows_lists:
            return []
        return [(each, list(self._lines(each))) for each in self.page.contacts]

    @cached_property
    def _by_number(self) -> dict[str, Person]:
        return {person.reading.number: person for person in self.recipients.good if person.reading.number}

    @cached_property
    def _by_book(self) -> dict[int, Access]:
        return {each.book.pk: each for each in self.books}

    def _whole(self, label: str, reference: str, contacts: int, book: str = "") -> Whole:
        ticked = any(each.reference == reference for each in self.recipients.chosen)
        return Whole(label, contacts, entry(_plain(label), reference), ticked, book)

    def _lines(self, contact: Contact) -> Iterator[Line]:
        access = self._by_book[contact.book_id]
        for row in contact.numbers.all():
            yield self._line(contact, row, access)

    def _line(self, contact: Contact, row: ContactNumber, access: Access) -> Line:
        person = self._by_number.get(row.number) if not row.reason else None
        return Line(
            name=contact.name,
            shown=shown(row.number) if not row.reason else row.typed,
            kind=row.get_kind_display(),
            book=_book(access),
            entry="" if row.reason else entry(_plain(contact.name), row.number),
            ticked=person is not None and person.free,
            via=joined_and(person.via) if person else "",
            why=str(SENTENCES[Reason(row.reason)]) if row.reason else "",
            number_id=row.pk,
            cures=cures.cures_of(row) if access.can_write else (),
        )


def many(members: Any) -> int:
    """Return how many contacts a list of `lists_of` holds."""
    found: int = members.many
    return found


def _book(access: Access) -> str:
    return access.group.name if access.group else _("Personal")


def _plain(name: str) -> str:
    """Return a name on one line, as an entry of the form holds it."""
    return " ".join(name.split())
