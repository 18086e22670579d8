"""What a file of contacts says, row by row, whatever its format; its limits, its letters, and what is wrong in words.

Files come from strangers: everything here is bounded in time and memory, and reads a stream (FAULTS P10-11). Pure.
"""

import codecs
import io
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import BinaryIO, Final

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

MOST_BYTES: Final = 20 * 1024 * 1024
MOST_ROWS: Final = 20_000
MOST_OF_A_KIND: Final = 50  # numbers, and e-mail addresses, of one row: as `filing` has it
NAME_LENGTH: Final = 80
TYPED_LENGTH: Final = 100
NOTES_LENGTH: Final = 10_000
TOLD: Final = 5  # remarks on one row

_NAMES = ("prefix", "first_name", "middle_name", "last_name", "suffix", "company")
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_BLANKS = re.compile(r"\s+")
_PIECE = 64 * 1024
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_LANGUAGES = {
    "nl": ("nl", "dut", "nld", "nederlands", "vlaams", "dutch", "neerlandais", "flemish"),
    "fr": ("fr", "fre", "fra", "francais", "frans", "french"),
    "en": ("en", "eng", "english", "engels", "anglais"),
}
_LANGUAGE_OF = {word: code for code, words in _LANGUAGES.items() for word in words}


class Fault(StrEnum):
    """Why a file, or one row of it, cannot be taken in. The codes are kept with an import."""

    EMPTY = "empty"
    TOO_BIG = "too_big"
    TOO_MANY_ROWS = "too_many_rows"
    BINARY = "binary"
    LETTERS = "letters"
    LONG_LINE = "long_line"
    LARGE_CARD = "large_card"
    HALF_QUOTED = "half_quoted"
    NO_COLUMNS = "no_columns"
    NO_CARD = "no_card"
    NOT_CLOSED = "not_closed"
    NESTED = "nested"
    NOBODY = "nobody"
    TOO_MANY_NUMBERS = "too_many_numbers"
    TOO_MANY_EMAILS = "too_many_emails"


CARDS: Final = frozenset({Fault.LARGE_CARD, Fault.NOT_CLOSED, Fault.NESTED})  # their row is a card, others' a line


class Remark(StrEnum):
    """What of a row is not taken in as it stands, though the row itself is."""

    EMAIL = "email"
    NUMBER = "number"
    SHORTENED = "shortened"
    LINE = "line"
    COLUMNS = "columns"


FAULTS: dict[Fault, Promise] = {
    Fault.EMPTY: _("There is nothing in this file."),
    Fault.TOO_BIG: _("This file is larger than 20 MB. Export it without pictures, or in pieces."),
    Fault.TOO_MANY_ROWS: _("There are more than 20,000 contacts in this file. Take it in pieces."),
    Fault.BINARY: _("This is not a text file. Export the contacts as vCard or CSV."),
    Fault.LETTERS: _("The letters cannot be read. Save the file as UTF-8 and try again."),
    Fault.LONG_LINE: _("One line is longer than any contact is. Check whether line ends are missing."),
    Fault.LARGE_CARD: _("There is more text on this card than any contact has."),
    Fault.HALF_QUOTED: _(
        "The quotation marks are not right: one that was opened here is never closed, or text follows it."
    ),
    Fault.NO_COLUMNS: _(
        "The first line names no columns that we know. Name them, for example: First name, Last name, Mobile, E-mail."
    ),
    Fault.NO_CARD: _("There is no vCard here. A vCard begins with BEGIN:VCARD."),
    Fault.NOT_CLOSED: _("This vCard has no end. The file may have been cut off."),
    Fault.NESTED: _("There are too many vCards inside one another here."),
    Fault.NOBODY: _("Neither a name nor a company, a number or an e-mail address stands here."),
    Fault.TOO_MANY_NUMBERS: _("There are more than 50 numbers on this card."),
    Fault.TOO_MANY_EMAILS: _("There are more than 50 e-mail addresses on this card."),
}
REMARKS: dict[Remark, Promise] = {
    Remark.EMAIL: _("“%(text)s” is no e-mail address and is left out."),
    Remark.NUMBER: _("“%(text)s…” is too long for a number and is left out."),
    Remark.SHORTENED: _("“%(text)s…” is too long and will be shortened."),
    Remark.LINE: _("The line “%(text)s…” cannot be read and is left out."),
    Remark.COLUMNS: _("There are more cells here than columns: “%(text)s” is left out."),
}


class Unreadable(Exception):
    """The file cannot be read; `row` is the line (CSV) or the card (vCard) where that shows, 0 for the whole file."""

    def __init__(self, fault: Fault, *, row: int = 0) -> None:
        super().__init__(f"{fault} in row {row}")
        self.fault, self.row = fault, row


@dataclass(slots=True, kw_only=True)
class Record:
    """One row of a file. `numbers` are (as typed, kind), kind empty where the file says none; `emails` (address, kind).

    `remarks` are (code, what it is about); `fault` says why the row cannot be taken in, empty where it can.
    """

    row: int
    prefix: str = ""
    first_name: str = ""
    middle_name: str = ""
    last_name: str = ""
    suffix: str = ""
    company: str = ""
    language: str = ""
    notes: str = ""
    numbers: list[tuple[str, str]] = field(default_factory=list)
    emails: list[tuple[str, str]] = field(default_factory=list)
    remarks: list[tuple[str, str]] = field(default_factory=list)
    fault: str = ""

    def remark(self, code: Remark, text: str) -> None:
        """Note what is not taken in as it stands; the first few are enough."""
        if len(self.remarks) < TOLD:
            self.remarks.append((code, line(text)[:40]))

    def said(self) -> dict[str, object]:
        """What is said of the person, by the names of `filing.Card`."""
        left_out = {"row", "remarks", "fault"}
        return {each.name: getattr(self, each.name) for each in fields(self) if each.name not in left_out}


def checked(record: Record) -> Record:
    """Clean what the file says, leave out what has no place, and say so; a row that cannot be taken in has a fault."""
    for name in _NAMES:
        setattr(record, name, _within(record, line(getattr(record, name)), NAME_LENGTH))
    record.notes = _within(record, _CONTROLS.sub("", record.notes.replace("\r\n", "\n")).strip(), NOTES_LENGTH)
    record.language = language_of(record.language)
    record.numbers = list(dict.fromkeys(_numbers(record)))
    record.emails = list(dict.fromkeys(_emails(record)))
    record.fault = record.fault or _fault(record)
    return record


def named(record: Record, name: str) -> None:
    """Let a whole name be the record's: its first word is the first name, the rest the last name."""
    first, _blank, rest = line(name).partition(" ")
    record.first_name, record.last_name = (first, rest) if rest else ("", first)


def language_of(text: str) -> str:
    """Return nl, fr or en for a language's code or name, else nothing."""
    plain = unicodedata.normalize("NFKD", text.strip()).encode("ascii", "ignore").decode().lower()
    return _LANGUAGE_OF.get(plain) or _LANGUAGE_OF.get(re.split(r"[^a-z]", plain)[0], "")


def line(text: str) -> str:
    """Return `text` on one line, without what no database stores."""
    return (
        text.strip() if text.isprintable() and "  " not in text else _CONTROLS.sub("", _BLANKS.sub(" ", text)).strip()
    )


def lines(file: BinaryIO, *, most: int) -> Iterator[str]:
    """Yield the lines of a text file with their ends, in pieces of at most `most` characters.

    The letters are those of its mark, else UTF-8, else Windows-1252. Raises Unreadable for what is no text.
    """
    letters = _letters_of(file)
    file.seek(0)
    text = io.TextIOWrapper(file, encoding=letters, newline="")
    number = 1
    try:
        while piece := text.readline(most):
            if "\0" in piece:
                raise Unreadable(Fault.BINARY, row=number)
            yield piece
            number += piece.endswith(("\n", "\r"))
    except UnicodeError:
        raise Unreadable(Fault.LETTERS, row=number) from None
    finally:
        if not file.closed:
            text.detach()


def _letters_of(file: BinaryIO) -> str:
    """Return the name of the encoding of a file that is no larger than allowed."""
    file.seek(0)
    begin = file.read(_PIECE)
    for mark, letters in _MARKS:
        if begin.startswith(mark):
            return letters
    if not begin:
        raise Unreadable(Fault.EMPTY)
    if b"\0" in begin:
        raise Unreadable(Fault.BINARY, row=begin[: begin.index(b"\0")].count(b"\n") + 1)
    file.seek(0)
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        while piece := file.read(_PIECE):
            decoder.decode(piece)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"


def _within(record: Record, text: str, most: int) -> str:
    if len(text) > most:
        record.remark(Remark.SHORTENED, text)
    return text[:most].rstrip() if len(text) > most else text


def _numbers(record: Record) -> Iterator[tuple[str, str]]:
    for typed, kind in record.numbers:
        clean = line(typed)
        if len(clean) > TYPED_LENGTH:
            record.remark(Remark.NUMBER, clean)
        elif clean:
            yield clean, kind


def _emails(record: Record) -> Iterator[tuple[str, str]]:
    for address, kind in record.emails:
        clean = line(address)
        if clean and _is_email(clean):
            yield clean, kind
        elif clean:
            record.remark(Remark.EMAIL, clean)


def _is_email(address: str) -> bool:
    try:
        validate_email(address)
    except ValidationError:
        return False
    return len(address) <= 254


def _fault(record: Record) -> str:
    if len(record.numbers) > MOST_OF_A_KIND:
        return Fault.TOO_MANY_NUMBERS
    if len(record.emails) > MOST_OF_A_KIND:
        return Fault.TOO_MANY_EMAILS
    someone = record.numbers or record.emails or any(getattr(record, name) for name in _NAMES)
    return "" if someone else Fault.NOBODY
