"""Second step of an import, after the user's yes: files its rows out of sight, then brings all out at once.

Chunks are committed one by one, so that a long list keeps nobody waiting and goes on where a worker died. Merging
changes contacts that are in sight: it happens in the one transaction that ends the import.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import Any, Final, cast

from django.db import transaction
from django.db.models import QuerySet

from contacts import filing, twins
from contacts.address_book import live
from contacts.books import writable
from contacts.filing import Card, card_of
from contacts.import_leases import let_go, renew
from contacts.models import Contact, ContactEmail, ContactNumber, ImportBatch, ImportRow
from contacts.twins import Person, way_of

CHUNK: Final = 1_000
NO_RIGHT: Final = "no_right"
_FIELDS: Final = ("prefix", "first_name", "middle_name", "last_name", "suffix", "company", "language", "notes")
_NAMES: Final = _FIELDS[:5]
_Verdict = ImportRow.Verdict


def file_rows(batch: ImportBatch, *, clock: Callable[[], datetime]) -> None:
    """File what was read: all of it, or nothing where its owner may no longer write in the book."""
    if not _may_write(batch):
        fail(batch, NO_RIGHT, now=clock())
        return
    if not batch.progress:
        batch.rows.filter(verdict=_Verdict.TWIN).exclude(twin__in=live()).update(verdict=_Verdict.NEW, twin=None)
    while rows := list(batch.rows.filter(verdict=_Verdict.NEW, row__gt=batch.progress)[:CHUNK]):
        with transaction.atomic():
            renew(batch, now=clock(), progress=rows[-1].row)
            _file(batch, rows, now=clock())
        batch.progress = rows[-1].row
    _finish(batch, now=clock())


def undo(batch: ImportBatch, *, now: datetime) -> None:
    """Take back all that an import did: its contacts are put away, merged ones are what they were. In a transaction."""
    filing.delete(Contact.objects.filter(batch=batch), by=batch.by, now=now)
    merged = batch.rows.filter(added__isnull=False)
    for rows in _chunks(merged):
        numbers = [pk for row in rows for pk in row.added["numbers"]]
        emails = [pk for row in rows for pk in row.added["emails"]]
        ContactNumber.objects.filter(pk__in=numbers).delete()
        ContactEmail.objects.filter(pk__in=emails).delete()
        filing.rewrite_many([_as_before(row) for row in rows], now=now)


def fail(batch: ImportBatch, fault: str, *, now: datetime) -> None:
    """End an import with nothing of it left."""
    with transaction.atomic():
        let_go(batch, now=now, state=ImportBatch.State.FAILED, fault=fault, finished_at=now)
        Contact.objects.filter(batch=batch).delete()
        batch.parts.all().delete()
        batch.rows.all().delete()


def addition(there: Card, said: Card, *, country: str) -> tuple[Card, dict[str, list[str]]]:
    """Return the numbers and addresses of `said` that `there` lacks, and what each field was and becomes.

    What is there stays: only an empty field is filled, and notes are added below.
    """
    ways = Person.of(there, country=country).ways
    numbers = [(typed, kind) for typed, kind in said.numbers if way_of(typed, kind, country=country) not in ways]
    emails = [each for each in said.emails if each[0].lower() not in ways]
    fields = {name: [getattr(there, name), getattr(said, name)] for name in _filled(there, said)}
    if said.notes and said.notes not in there.notes:
        fields["notes"] = [there.notes, "\n".join(filter(None, (there.notes, said.notes)))]
    return Card(numbers=numbers, emails=emails), fields


def _filled(there: Card, said: Card) -> Iterator[str]:
    named = any(getattr(there, name) for name in _NAMES)
    names = ("company", "language") if named else (*_NAMES, "company", "language")
    return (name for name in names if getattr(said, name) and not getattr(there, name))


def _may_write(batch: ImportBatch) -> bool:
    return batch.by.is_active and writable(batch.by).filter(pk=batch.book_id).exists()


def _file(batch: ImportBatch, rows: Sequence[ImportRow], *, now: datetime) -> None:
    """File new contacts out of sight; who has come into the book meanwhile is the same person, not a second one."""
    country = batch.by.country
    cards = _whole(batch, rows)
    found = twins.in_book(batch.book, [Person.of(card, country=country) for card in cards])
    for row, contact in zip(rows, found, strict=True):
        if contact:
            batch.rows.filter(pk=row.pk).update(verdict=_Verdict.TWIN, twin=contact)
    fresh = [card for card, contact in zip(cards, found, strict=True) if not contact]
    filing.file_many(batch.book, fresh, country=country, now=now, batch=batch)


def _whole(batch: ImportBatch, rows: Sequence[ImportRow]) -> list[Card]:
    """Return the cards of these rows, with what later rows say about the same person where that is to be merged."""
    cards = {row.row: Card(**row.said) for row in rows}
    if batch.twins == ImportBatch.Twins.MERGE:
        for later in batch.rows.filter(verdict=_Verdict.TWIN_ROW, twin_row__in=list(cards)):
            first = later.twin_row or 0
            cards[first] = joined(cards[first], Card(**later.said), country=batch.by.country)
    return list(cards.values())


def joined(card: Card, other: Card, *, country: str) -> Card:
    """Return one card of two about the same person."""
    more, fields = addition(card, other, country=country)
    said = {name: fields[name][1] if name in fields else getattr(card, name) for name in _FIELDS}
    return Card(**said, numbers=[*card.numbers, *more.numbers], emails=[*card.emails, *more.emails])


def _finish(batch: ImportBatch, *, now: datetime) -> None:
    with transaction.atomic():
        renew(batch, now=now)
        if not _may_write(batch):
            fail(batch, NO_RIGHT, now=now)
            return
        merging = batch.twins == ImportBatch.Twins.MERGE
        merged = _merge(batch, now=now) if merging else 0
        put_away = Contact.objects.filter(batch=batch, deleted_at__isnull=False, deleted_by=None)
        made = put_away.update(deleted_at=None)
        refused = batch.rows.filter(verdict=_Verdict.REFUSED).count()
        skipped = batch.rows.count() - made - merged - refused
        if merging:  # the rows of one person became one contact
            skipped = 0
        batch.rows.filter(verdict__in=[_Verdict.NEW, _Verdict.TWIN_ROW]).delete()
        batch.rows.update(said={})
        let_go(
            batch, now=now, state=ImportBatch.State.DONE, finished_at=now,
            made=made, merged=merged, skipped=skipped, refused=refused,
        )  # fmt: skip


def _merge(batch: ImportBatch, *, now: datetime) -> int:
    """Add what the file says to the contacts that were there; return how many of them that changed or not."""
    merged = 0
    for rows in _chunks(batch.rows.filter(verdict=_Verdict.TWIN).order_by("twin_id", "row")):
        found = live().filter(book=batch.book_id, pk__in={row.twin_id for row in rows})
        contacts = {each.pk: each for each in found.prefetch_related("numbers", "emails")}
        _merge_chunk(batch, rows, contacts, now=now)
        merged += len(contacts)
    return merged


def _merge_chunk(batch: ImportBatch, rows: Sequence[ImportRow], contacts: dict[int, Contact], *, now: datetime) -> None:
    country = batch.by.country
    said: dict[int | None, tuple[ImportRow, Card]] = {}
    for row, card in zip(rows, _whole(batch, rows), strict=True):
        first, before = said.get(row.twin_id, (row, None))
        said[row.twin_id] = first, joined(before, card, country=country) if before else card
    told = [(row, contacts[pk], *addition(card_of(contacts[pk]), card, country=country))
            for pk, (row, card) in said.items() if pk in contacts]  # fmt: skip
    changed = [each for each in told if each[2].numbers or each[2].emails or each[3]]
    ids = filing.add_many([(contact, more) for _row, contact, more, _fields in changed], country=country, now=now)
    for (row, contact, _more, fields), (numbers, emails) in zip(changed, ids, strict=True):
        row.added = {"numbers": numbers, "emails": emails, "fields": fields}
        for name, (_before, after) in fields.items():
            setattr(contact, name, after)
    ImportRow.objects.bulk_create(
        [row for row, *_rest in changed], update_conflicts=True, unique_fields=["pk"], update_fields=["added"]
    )
    filing.rewrite_many([contact for _row, contact, *_rest in changed], now=now)


def _as_before(row: ImportRow) -> Contact:
    """Return the contact with the fields that a merge filled as they were, unless somebody has changed them since."""
    contact = cast(Contact, row.twin)  # only merged rows come here
    for name, (before, after) in cast(dict[str, Any], row.added)["fields"].items():
        if getattr(contact, name) == after:
            setattr(contact, name, before)
    return contact


def _chunks(rows: QuerySet[ImportRow]) -> Iterator[list[Any]]:
    found = iter(list(rows.select_related("twin")))
    while chunk := list(islice(found, CHUNK)):
        yield chunk
