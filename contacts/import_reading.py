"""First step of an import: reads the file into rows, and judges what each of them will become."""

import tempfile
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from itertools import islice
from typing import IO, BinaryIO, Final, cast

from django.db import transaction

from contacts import csv_files, twins, vcard
from contacts.file_records import Record, Unreadable
from contacts.filing import Card
from contacts.import_leases import let_go, renew
from contacts.models import ImportBatch, ImportRow
from contacts.phone_numbers import Kind, read_contact
from contacts.twins import Person, Seen

CHUNK: Final = 1_000
_IN_MEMORY = 2 * 1024 * 1024


def read(batch: ImportBatch, *, clock: Callable[[], datetime]) -> None:
    """Read the parts of the file into rows. What cannot be read as a whole fails, with the row where that shows."""
    batch.rows.all().delete()
    with tempfile.SpooledTemporaryFile(_IN_MEMORY) as file:
        _copy(batch, file)
        try:
            _read(batch, cast(BinaryIO, file), clock=clock)
        except Unreadable as why:
            _fail(batch, why, now=clock())
            return
    with transaction.atomic():
        let_go(batch, now=clock(), state=ImportBatch.State.READY, progress=0)
        batch.parts.all().delete()


def with_kinds(record: Record, *, country: str) -> Card:
    """Return what the record says, each number with a kind: one that names none is mobile where it may be one."""
    said = record.said() | {"numbers": [(typed, kind or _kind(typed, country)) for typed, kind in record.numbers]}
    return Card(**said)  # type: ignore[arg-type]


def _copy(batch: ImportBatch, file: IO[bytes]) -> None:
    for content in batch.parts.values_list("content", flat=True).iterator(chunk_size=1):
        file.write(content)


def _read(batch: ImportBatch, file: BinaryIO, *, clock: Callable[[], datetime]) -> None:
    seen, found, country = Seen(), 0, batch.by.country
    records = _records(file, batch.source)
    while chunk := list(islice(records, CHUNK)):
        rows = list(_judged(batch, chunk, seen, country=country))
        found += len(chunk)
        with transaction.atomic():
            renew(batch, now=clock(), progress=file.tell(), rows_found=found, last_row=chunk[-1].row)
            ImportRow.objects.bulk_create(rows)


def _records(file: BinaryIO, name: str) -> Iterator[Record]:
    file.seek(0)
    begin = file.read(4096).replace(b"\0", b"").upper()
    as_cards = b"BEGIN:VCARD" in begin or name.lower().endswith((".vcf", ".vcard"))
    return vcard.records(file) if as_cards else csv_files.records(file)


def _judged(batch: ImportBatch, chunk: Iterable[Record], seen: Seen, *, country: str) -> Iterator[ImportRow]:
    known = [(record, with_kinds(record, country=country)) for record in chunk]
    people = [Person.of(card, country=country) for _record, card in known]
    in_book = twins.in_book(batch.book, people)
    for (record, card), person, contact in zip(known, people, in_book, strict=True):
        row = ImportRow(batch=batch, row=record.row, remarks=record.remarks, fault=record.fault)
        row.verdict = ImportRow.Verdict.REFUSED
        if not record.fault:
            row.said = said_of(card)
            row.twin_row = seen.twin(person)
            row.twin_id = None if row.twin_row else contact
            row.verdict = _verdict(row)
        if row.verdict in (ImportRow.Verdict.NEW, ImportRow.Verdict.TWIN):
            seen.add(person, record.row)
        yield row


def said_of(card: Card) -> dict[str, object]:
    """Return what a card says as it is kept in a row; `Card(**…)` is the way back."""
    return {name: getattr(card, name) for name in Card.__slots__ if getattr(card, name)}


def _verdict(row: ImportRow) -> ImportRow.Verdict:
    if row.twin_row:
        return ImportRow.Verdict.TWIN_ROW
    return ImportRow.Verdict.TWIN if row.twin_id else ImportRow.Verdict.NEW


def _kind(typed: str, country: str) -> str:
    reading = read_contact(typed, kind=Kind.MOBILE, country=country)
    return Kind.MOBILE if reading.ok or reading.repairs else Kind.OTHER


def _fail(batch: ImportBatch, why: Unreadable, *, now: datetime) -> None:
    with transaction.atomic():
        let_go(batch, now=now, state=ImportBatch.State.FAILED, fault=why.fault, fault_row=why.row, finished_at=now)
        batch.parts.all().delete()
        batch.rows.all().delete()
