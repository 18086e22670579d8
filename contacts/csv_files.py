"""CSV in and out. In: whatever Outlook, Google, Excel and people write; out: safe to open in a spreadsheet. Pure."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from typing import BinaryIO, Final, Protocol

from django.utils.translation import gettext as _

from contacts.csv_columns import EMAIL_KINDS, Column, columns, kind_of, known_as
from contacts.file_records import MOST_ROWS, Fault, Record, Remark, Unreadable, checked, lines, named
from contacts.number_text import split_many

LONGEST_LINE: Final = 100_000
MOST_CELLS: Final = 1_000
FORMULA_BEGINS: Final = ("=", "+", "-", "@", "\t", "\r", "\n")
SEPARATORS: Final = (";", ",", "\t")
_SEVERAL = " ::: "  # Google's, between numbers that have one label


class Written(Protocol):
    """What the writers ask of a contact: `filing.Card` has it."""

    @property
    def prefix(self) -> str: ...
    @property
    def first_name(self) -> str: ...
    @property
    def middle_name(self) -> str: ...
    @property
    def last_name(self) -> str: ...
    @property
    def suffix(self) -> str: ...
    @property
    def company(self) -> str: ...
    @property
    def language(self) -> str: ...
    @property
    def notes(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def numbers(self) -> Sequence[tuple[str, str]]: ...
    @property
    def emails(self) -> Sequence[tuple[str, str]]: ...


def records(file: BinaryIO) -> Iterator[Record]:
    """Yield what each row of a file says, less the empty ones. Raises Unreadable where the file cannot be read."""
    text = _whole_lines(file)
    first = next(text, "")
    if skipped := known_as(first[:4]) == "sep":  # Excel's own first line
        first = next(text, "")
    rows = _rows(text, first, skipped=skipped)
    _number, header = next(rows, (1, []))
    known = columns(header)
    if not any(each.what for each in known):
        raise Unreadable(Fault.NO_COLUMNS, row=1)
    for found, (number, cells) in enumerate(rows, start=1):
        if found > MOST_ROWS:
            raise Unreadable(Fault.TOO_MANY_ROWS, row=number)
        yield checked(_record(number, cells, known))


def rows(contacts: Iterable[Written], *, most: dict[str, int]) -> Iterator[list[str]]:
    """Yield a head and a row for each contact; `most` says how many columns each kind of number, and `email`, needs."""
    yield _head(most)
    for contact in contacts:
        yield [safe(cell) for cell in _cells(contact, most)]


def safe(cell: str) -> str:
    """Return `cell` as it can stand in a spreadsheet, which takes what begins like a formula for one (OWASP)."""
    return f"'{cell}" if cell.startswith(FORMULA_BEGINS) else cell


def _whole_lines(file: BinaryIO) -> Iterator[str]:
    for number, text in enumerate(lines(file, most=LONGEST_LINE), start=1):
        if len(text) >= LONGEST_LINE:
            raise Unreadable(Fault.LONG_LINE, row=number)
        yield text


def _separator(first: str) -> str:
    """The separator by which most columns of the first line have a name that we know."""
    return max(SEPARATORS, key=lambda each: (_known(first, each), first.count(each)))


def _known(first: str, separator: str) -> int:
    try:
        cells = next(csv.reader(io.StringIO(first, newline=""), delimiter=separator), [])
    except csv.Error:
        return 0
    return sum(bool(each.what) for each in columns(cells[:MOST_CELLS]))


def _rows(text: Iterator[str], first: str, *, skipped: int) -> Iterator[tuple[int, list[str]]]:
    """Yield the line at which each row begins, and its cells; blank rows are none."""

    def whole() -> Iterator[str]:
        yield first
        yield from text

    reader = csv.reader(whole(), delimiter=_separator(first), strict=True)
    while True:
        begins = reader.line_num + 1 + skipped
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:  # text after a closing mark, a mark that is never closed, or a cell of 131,072 characters
            raise Unreadable(Fault.HALF_QUOTED, row=begins) from None
        if len(cells) > MOST_CELLS:
            raise Unreadable(Fault.LONG_LINE, row=begins)
        if any(cell.strip() for cell in cells):
            yield begins, cells


def _record(number: int, cells: list[str], known: list[Column]) -> Record:
    record = Record(row=number)
    labels = {each.group: cell for each, cell in zip(known, cells, strict=False) if each.what == "label"}
    for column, cell in zip(known, cells, strict=False):
        text = _unescaped(cell.strip())
        if text and column.what and column.what != "label":
            _write(record, column, text, label=labels.get(column.group, ""))
    for cell in cells[len(known) :]:
        if cell.strip():
            record.remark(Remark.COLUMNS, cell)
    return record


def _write(record: Record, column: Column, text: str, *, label: str) -> None:
    if column.what == "number":
        several = [entry.typed for each in text.split(_SEVERAL) for entry in split_many(each)]
        record.numbers += [(typed, column.kind or kind_of(label)) for typed in several]
    elif column.what == "email":
        kind = column.kind or EMAIL_KINDS.get(known_as(label), "other")
        record.emails += [(each, kind) for each in text.split(_SEVERAL)]
    elif column.what == "name":
        named(record, text)
    elif not getattr(record, column.what):
        setattr(record, column.what, text)


def _unescaped(cell: str) -> str:
    """Return a cell without the apostrophe by which `safe`, and people, keep spreadsheets from computing."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(FORMULA_BEGINS) else cell


def _head(most: dict[str, int]) -> list[str]:
    names = {
        "mobile": _("Mobile"), "home": _("Home phone"), "work": _("Work phone"), "fax": _("Fax"),
        "other": _("Other phone"), "email": _("E-mail address"),
    }  # fmt: skip
    several = [
        name if each == 1 else f"{name} {each}" for kind, name in names.items() for each in range(1, most[kind] + 1)
    ]
    return [
        _("Title"), _("First name"), _("Middle name"), _("Last name"), _("Suffix"), _("Company"), *several,
        _("Language"), _("Notes"),
    ]  # fmt: skip


def _cells(contact: Written, most: dict[str, int]) -> Iterator[str]:
    yield from (contact.prefix, contact.first_name, contact.middle_name, contact.last_name, contact.suffix)
    yield contact.company
    for kind in ("mobile", "home", "work", "fax", "other"):
        yield from _padded([typed for typed, said in contact.numbers if said == kind], most[kind])
    yield from _padded([address for address, _kind in contact.emails], most["email"])
    yield from (contact.language, contact.notes)


def _padded(cells: list[str], most: int) -> list[str]:
    return cells[:most] + [""] * (most - len(cells))
