"""Files contacts: stores what was said of somebody, judges each number, and writes what a search and a sort compare.

The only way in for the pages, the API and imports. Callers have looked whether the user may write in the book.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet, prefetch_related_objects

from contacts.folding import fold, searchable
from contacts.models import TYPED_LENGTH, Book, Contact, ContactEmail, ContactList, ContactNumber, ImportBatch, User
from contacts.phone_numbers import Kind, Reading, read_contact

MOST_NUMBERS = 50
MOST_EMAILS = 50
KEPT = timedelta(days=30)
_BATCH = 2_000
_PARTS = ("prefix", "first_name", "middle_name", "last_name", "suffix")
_WRITTEN = [*_PARTS, "company", "language", "notes", "name", "sort_name", "sort_company", "search", "changed_at"]


class NothingSaid(Exception):
    """A card without a name, a company, a number and an address: there is nobody to file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """What is said of somebody. `numbers` are (as typed, kind), `emails` (address, kind), in their order."""

    prefix: str = ""
    first_name: str = ""
    middle_name: str = ""
    last_name: str = ""
    suffix: str = ""
    company: str = ""
    language: str = ""
    notes: str = ""
    numbers: Sequence[tuple[str, str]] = field(default_factory=tuple)
    emails: Sequence[tuple[str, str]] = field(default_factory=tuple)

    @property
    def name(self) -> str:
        """The name as it is shown: its parts, else the company, an address or a number."""
        parts = " ".join(part for part in (getattr(self, part) for part in _PARTS) if part)
        others = (self.company, *(address for address, _kind in self.emails), *(typed for typed, _kind in self.numbers))
        return parts or next((other for other in others if other), "")

    @property
    def sorted_as(self) -> str:
        """The last name first."""
        parts = fold(f"{self.last_name} {self.first_name} {self.middle_name}")
        return (parts or fold(self.name))[:200]


def file(book: Book, card: Card, *, country: str, now: datetime) -> Contact:
    """File one new contact; see `file_many`."""
    [contact] = file_many(book, [card], country=country, now=now)
    return contact


def file_many(
    book: Book, cards: Sequence[Card], *, country: str, now: datetime, batch: ImportBatch | None = None
) -> list[Contact]:
    """File new contacts, all or none; numbers are read for somebody of `country` (two letters).

    Raises NothingSaid where a card is empty. Three statements for each 2,000 cards. Those of a `batch` are
    filed out of sight, as deleted by nobody, until the import brings all of them out at once.
    """
    with transaction.atomic():
        gone = now if batch else None
        contacts = [Contact(book=book, batch=batch, created_at=now, deleted_at=gone) for _card in cards]
        numbers = [_numbers(contact, card, country=country) for contact, card in zip(contacts, cards, strict=True)]
        for contact, card, rows in zip(contacts, cards, numbers, strict=True):
            _describe(contact, card, rows, now=now)
        Contact.objects.bulk_create(contacts, batch_size=_BATCH)
        ContactNumber.objects.bulk_create([row for rows in numbers for row in rows], batch_size=_BATCH)
        filed = zip(contacts, cards, strict=True)
        ContactEmail.objects.bulk_create([row for one, card in filed for row in _emails(one, card)], batch_size=_BATCH)
    return contacts


def card_of(contact: Contact) -> Card:
    """Return what is said of a contact; bring `numbers` and `emails` along where there are many."""
    said = {part: getattr(contact, part) for part in (*_PARTS, "company", "language", "notes")}
    numbers = [(row.typed, row.kind) for row in contact.numbers.all()]
    return Card(**said, numbers=numbers, emails=[(row.address, row.kind) for row in contact.emails.all()])


def add_many(
    additions: Sequence[tuple[Contact, Card]], *, country: str, now: datetime
) -> list[tuple[list[int], list[int]]]:
    """Add the numbers and the addresses of each card to its contact, behind those that are there.

    Return the ids of both, contact by contact; `rewrite_many` must follow.
    """
    numbers: list[list[ContactNumber]] = []
    emails: list[list[ContactEmail]] = []
    for contact, card in additions:
        fresh, addresses = _numbers(contact, card, country=country), _emails(contact, card)
        _behind(fresh, len(contact.numbers.all()))
        _behind(addresses, len(contact.emails.all()))
        numbers.append(fresh)
        emails.append(addresses)
    ContactNumber.objects.bulk_create([row for rows in numbers for row in rows], batch_size=_BATCH)
    ContactEmail.objects.bulk_create([row for rows in emails for row in rows], batch_size=_BATCH)
    return [([row.pk for row in one], [row.pk for row in other]) for one, other in zip(numbers, emails, strict=True)]


def rewrite_many(contacts: Sequence[Contact], *, now: datetime) -> None:
    """Write these contacts again, with how they are shown and found by the rows that they have now."""
    for contact in contacts:
        contact._prefetched_objects_cache = {}  # type: ignore[attr-defined]  # Django's own; the rows are others now
    prefetch_related_objects(contacts, "numbers", "emails")
    for contact in contacts:
        _describe(contact, card_of(contact), contact.numbers.all(), now=now)
    Contact.objects.bulk_create(
        contacts, batch_size=_BATCH, update_conflicts=True, unique_fields=["pk"], update_fields=_WRITTEN
    )


def change(contact: Contact, card: Card, *, country: str, now: datetime) -> None:
    """Let the contact be what the card says; a number that stands there as before keeps its id and its reading.

    Raises NothingSaid where the card is empty.
    """
    with transaction.atomic():
        kept = _kept_numbers(contact, card)
        known = {(row.typed, row.kind) for row in kept}
        fresh = [row for row in _numbers(contact, card, country=country) if (row.typed, row.kind) not in known]
        _describe(contact, card, [*kept, *fresh], now=now)
        contact.save()
        contact.numbers.exclude(pk__in=[row.pk for row in kept]).delete()
        contact.emails.all().delete()
        ContactNumber.objects.bulk_update(kept, ["position"])
        ContactNumber.objects.bulk_create(fresh)
        ContactEmail.objects.bulk_create(_emails(contact, card))


def delete(contacts: QuerySet[Contact], *, by: User, now: datetime) -> int:
    """Put contacts away; return how many. `restore` with the same moment brings them back for 30 days."""
    return contacts.filter(deleted_at=None).update(deleted_at=now, deleted_by=by)


def restore(contacts: QuerySet[Contact], *, by: User, deleted_at: datetime) -> int:
    """Bring back what somebody deleted at that moment; return how many. They are in their lists again."""
    gone = contacts.filter(deleted_at=deleted_at, deleted_by=by)
    return gone.update(deleted_at=None, deleted_by=None)


def purge(*, now: datetime) -> int:
    """Forget for good the contacts and lists deleted more than 30 days ago; return how many contacts that were."""
    ContactList.objects.filter(deleted_at__lt=now - KEPT).delete()
    gone = Contact.objects.filter(deleted_at__lt=now - KEPT)
    many = gone.count()
    if many:
        gone.delete()
    return many


def judged(row: ContactNumber, reading: Reading) -> ContactNumber:
    """Write down on the row what the reading makes of its number: E.164, why it cannot be ticked, its one cure."""
    cures = [repair for repair in reading.repairs if not repair.refused]
    one = cures[0] if len(cures) == 1 and reading.reason else None
    row.number, row.reason = reading.understood or "", reading.reason or ""
    row.how, row.cure = (one.how, one.number) if one else ("", "")
    return row


def _describe(contact: Contact, card: Card, numbers: Iterable[ContactNumber], *, now: datetime) -> None:
    if not card.name:
        raise NothingSaid
    for part in (*_PARTS, "company", "language", "notes"):
        setattr(contact, part, getattr(card, part))
    contact.name, contact.sort_name, contact.sort_company = card.name[:500], card.sorted_as, fold(card.company)[:80]
    contact.changed_at = now
    words = [card.name, f"{card.last_name} {card.first_name}", card.company, *(address for address, _ in card.emails)]
    contact.search = searchable(words, numbers=[(row.typed, row.number) for row in numbers])


def _numbers(contact: Contact, card: Card, *, country: str) -> list[ContactNumber]:
    return [
        judged(
            ContactNumber(contact=contact, position=position, typed=typed[:TYPED_LENGTH], kind=kind, country=country),
            read_contact(typed, kind=Kind(kind), country=country),
        )
        for position, (typed, kind) in enumerate(card.numbers)
    ]


def _behind(rows: Sequence[ContactNumber | ContactEmail], there: int) -> None:
    for row in rows:
        row.position += there


def _emails(contact: Contact, card: Card) -> list[ContactEmail]:
    return [
        ContactEmail(contact=contact, position=position, address=address, kind=kind)
        for position, (address, kind) in enumerate(card.emails)
    ]


def _kept_numbers(contact: Contact, card: Card) -> list[ContactNumber]:
    """Return the rows that say what the card says, at their new positions; each of them once."""
    wanted = {number: position for position, number in enumerate(card.numbers)}
    kept: dict[tuple[str, str], ContactNumber] = {}
    for row in contact.numbers.all():
        key = (row.typed, row.kind)
        if key in wanted and key not in kept:
            row.position = wanted[key]
            kept[key] = row
    return list(kept.values())
