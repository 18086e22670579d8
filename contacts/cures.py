"""Cures numbers that cannot be ticked: one at a click, or all of one kind in a book together; each can be undone (N3).

What a cure makes of a number stands beside it from the moment that it was filed, so curing 50,000 is three statements.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import Count, QuerySet

from contacts.books import writable
from contacts.folding import searchable
from contacts.models import Book, Contact, ContactNumber, NumberKind, RepairBatch, RepairedNumber, User
from contacts.number_reasons import LABELS, SENTENCES, How, Reason
from contacts.phone_numbers import Kind, Reading, Repair, read_contact

KEPT = timedelta(days=30)
_BATCH = 2_000
_BEFORE = ("typed", "kind", "number", "reason", "how", "cure")
_KEPT_AS = ("typed", "kind", "understood", "reason", "how", "cure")
_CURE = """
UPDATE contacts_contactnumber SET typed = cure, number = cure, kind = %s, reason = '', how = '', cure = ''
WHERE id IN (SELECT number_id FROM contacts_repairednumber WHERE batch_id = %s)
"""
_UNDO = """
UPDATE contacts_contactnumber AS mine
SET typed = was.typed, kind = was.kind, number = was.understood, reason = was.reason, how = was.how, cure = was.cure
FROM contacts_repairednumber AS was
WHERE was.batch_id = %s AND was.number_id = mine.id AND mine.typed = was.became AND mine.kind = %s AND mine.reason = ''
"""


class NoCure(Exception):
    """The number cannot become that: there is no such cure, or somebody changed the number meanwhile."""


class Changed(Exception):
    """The book is no longer what the preview showed; `many` numbers would be cured now."""

    def __init__(self, many: int) -> None:
        super().__init__(f"{many} numbers now")
        self.many = many


@dataclass(frozen=True, slots=True)
class CureGroup:
    """Numbers of a book that cannot be ticked for one `reason`, and what one click does to them, if there is a cure."""

    reason: Reason
    how: How | None
    many: int

    @property
    def sentence(self) -> str:
        """Why, in the reader's language."""
        return str(SENTENCES[self.reason])

    @property
    def label(self) -> str:
        """What the cure does; empty where there is none."""
        return str(LABELS[self.how]) if self.how else ""


def reading_of(row: ContactNumber) -> Reading:
    """Return how the number reads, with all that it may have meant."""
    return read_contact(row.typed, kind=Kind(row.kind), country=row.country)


def curable(user: User) -> QuerySet[ContactNumber]:
    """Return the numbers that the user may cure."""
    mine = ContactNumber.objects.filter(contact__deleted_at=None, contact__book__in=writable(user))
    return mine.select_related("contact")


def undoable(user: User) -> QuerySet[RepairBatch]:
    """Return the repairs that the user made and may undo."""
    return RepairBatch.objects.filter(by=user, book__in=writable(user))


def cures_of(row: ContactNumber) -> list[Repair]:
    """Return what the number may become so that it can get SMS; nothing where it can already, or never can."""
    return [repair for repair in reading_of(row).repairs if not repair.refused] if row.reason else []


def groups_of(book: Book) -> list[CureGroup]:
    """Return what cannot be ticked in the book, by cure; those with a cure first, then by how many. One statement."""
    counted = _silent(book).order_by().values_list("reason", "how").annotate(many=Count("pk"))
    found = [CureGroup(Reason(reason), How(how) if how else None, many) for reason, how, many in counted]
    return sorted(found, key=lambda each: (each.how is None, -each.many, each.reason))


def numbers_in(book: Book, *, reason: str, how: str, after: int = 0) -> QuerySet[ContactNumber]:
    """Return the numbers of one such group behind the id `after`."""
    found = _silent(book).filter(reason=reason, how=how, pk__gt=after)
    return found.select_related("contact").order_by("pk")


def cure(row: ContactNumber, *, to: str, by: User, now: datetime) -> RepairBatch:
    """Let one number become `to` (E.164), of type Mobile. Raises NoCure where that is none of its cures."""
    with transaction.atomic():
        row = ContactNumber.objects.select_for_update(of=("self",)).select_related("contact__book").get(pk=row.pk)
        how = next((repair.how for repair in cures_of(row) if repair.number == to), None)
        if how is None:
            raise NoCure
        ContactNumber.objects.filter(pk=row.pk).update(how=how, cure=to)
        return _repair(ContactNumber.objects.filter(pk=row.pk), book=row.contact.book, by=by, now=now)


def cure_all(shown: CureGroup, *, book: Book, by: User, now: datetime) -> RepairBatch:
    """Cure all numbers of one group of the book together; raises Changed where they are not as many as was shown."""
    with transaction.atomic():
        Book.objects.select_for_update().get(pk=book.pk)
        found = _silent(book).filter(reason=shown.reason, how=shown.how or "").exclude(cure="")
        if found.count() != shown.many:
            raise Changed(found.count())
        return _repair(ContactNumber.objects.filter(pk__in=found.values("pk")), book=book, by=by, now=now)


def undo(batch: RepairBatch, *, now: datetime) -> int:
    """Make the numbers what they were, but for those that were changed since; return how many. A second time: none."""
    with transaction.atomic():
        locked = RepairBatch.objects.select_for_update().get(pk=batch.pk)
        if locked.undone_at:
            return 0
        locked.undone_at = now
        locked.save(update_fields=["undone_at"])
        with connection.cursor() as cursor:
            cursor.execute(_UNDO, [batch.pk, NumberKind.MOBILE])
            return int(cursor.rowcount)


def forget_old(*, now: datetime) -> int:
    """Forget repairs of more than 30 days ago, which can be undone no longer; return how many."""
    old = RepairBatch.objects.filter(created_at__lt=now - KEPT)
    many = old.count()
    if many:
        old.delete()
    return many


def _silent(book: Book) -> QuerySet[ContactNumber]:
    return ContactNumber.objects.filter(contact__book=book, contact__deleted_at=None).exclude(reason="")


def _repair(numbers: QuerySet[ContactNumber], *, book: Book, by: User, now: datetime) -> RepairBatch:
    batch = RepairBatch.objects.create(book=book, by=by, created_at=now)
    rows = list(numbers.select_for_update(of=("self",)).values_list("pk", *_BEFORE))
    before = [RepairedNumber(batch=batch, number_id=pk, became=values[-1], **_named(values)) for pk, *values in rows]
    RepairedNumber.objects.bulk_create(before, batch_size=_BATCH)
    with connection.cursor() as cursor:
        cursor.execute(_CURE, [NumberKind.MOBILE, batch.pk])
    _find_again([each.number_id for each in before if each.understood != each.became])
    return batch


def _named(values: Sequence[str]) -> dict[str, str]:
    return dict(zip(_KEPT_AS, values, strict=True))


def _find_again(number_ids: Sequence[int]) -> None:
    """Let contacts be found by numbers that could not be read before: what was typed says nothing of them."""
    for start in range(0, len(number_ids), _BATCH):
        contacts = Contact.objects.filter(numbers__in=number_ids[start : start + _BATCH]).distinct()
        rows = list(contacts.prefetch_related("numbers"))
        for contact in rows:
            digits = searchable([], numbers=[(row.typed, row.number) for row in contact.numbers.all()])
            contact.search = f"{contact.search}\n{digits}"
        Contact.objects.bulk_update(rows, ["search"], batch_size=_BATCH)
