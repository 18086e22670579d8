"""What an import shows before the user's yes: for each row what will happen, and why."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from contacts.file_records import CARDS, FAULTS, REMARKS, Fault, Remark
from contacts.filing import Card, card_of
from contacts.import_filing import NO_RIGHT, addition
from contacts.models import Contact, ImportBatch, ImportRow
from contacts.phone_numbers import Kind, read_contact

PAGE = 50
_Verdict = ImportRow.Verdict
SHOWN = {"new": (_Verdict.NEW,), "twin": (_Verdict.TWIN, _Verdict.TWIN_ROW), "refused": (_Verdict.REFUSED,)}


@dataclass(frozen=True, slots=True)
class Counts:
    """How many rows of a file are of new people, of people who are there already, and of nobody that we can take."""

    new: int
    twin: int
    refused: int

    @property
    def good(self) -> int:
        """How many can be taken in."""
        return self.new + self.twin


@dataclass(frozen=True, slots=True)
class Line:
    """One row as the page shows it: who it is about, what will happen, and what to know of it."""

    row: int
    name: str
    numbers: str
    kind: str
    what: str
    twin: Contact | None
    remarks: Sequence[str]


def counts_of(batch: ImportBatch) -> Counts:
    """Count the rows by what they become; one statement."""
    many = dict(batch.rows.order_by().values_list("verdict").annotate(Count("pk")))
    return Counts(*(sum(many.get(verdict, 0) for verdict in verdicts) for verdicts in SHOWN.values()))


def lines_of(batch: ImportBatch, *, show: str, after: int) -> tuple[list[Line], int]:
    """Return a page of rows, and after which row the next one begins, 0 where there is none; four statements."""
    rows = batch.rows.filter(row__gt=after)
    if show in SHOWN:
        rows = rows.filter(verdict__in=SHOWN[show])
    found = list(rows.select_related("twin").prefetch_related("twin__numbers", "twin__emails")[: PAGE + 1])
    further = found[PAGE - 1].row if len(found) > PAGE else 0
    return [_line(batch, row) for row in found[:PAGE]], further


def why_failed(batch: ImportBatch) -> str:
    """Say why an import ended with nothing, and where that shows."""
    if batch.fault in list(Fault):
        return sentence(Fault(batch.fault), row=batch.fault_row)
    if batch.fault == NO_RIGHT:
        return _("You may no longer write in this book. Nothing was imported.")
    return _("Something went wrong on our side, several times. Nothing was imported; please try again later.")


def sentence(fault: Fault, *, row: int) -> str:
    """Say what is wrong with a file, with the line or the card where it shows."""
    if not row:
        return str(FAULTS[fault])
    where = _("Card %(row)s: %(fault)s") if fault in CARDS else _("Line %(row)s: %(fault)s")
    return where % {"row": row, "fault": FAULTS[fault]}


def _line(batch: ImportBatch, row: ImportRow) -> Line:
    card = Card(**row.said)
    kind, what = _told(batch, row, card)
    remarks = [str(REMARKS[Remark(code)]) % {"text": text} for code, text in row.remarks]
    numbers = ", ".join(typed for typed, _kind in card.numbers[:3])
    return Line(row.row, card.name, numbers, kind, what, row.twin, [*remarks, *_silent(batch, card)])


def _told(batch: ImportBatch, row: ImportRow, card: Card) -> tuple[str, str]:
    if row.verdict == _Verdict.REFUSED:
        return "bad", str(FAULTS[Fault(row.fault)])
    if row.verdict == _Verdict.NEW:
        return "good", _("New")
    skipped = batch.twins == ImportBatch.Twins.SKIP
    if row.verdict == _Verdict.TWIN_ROW:
        words = _("Skipped: the same person as row %(row)s.") if skipped else _("Merged with row %(row)s.")
        return "plain", words % {"row": row.twin_row}
    if skipped or row.twin is None:
        return "plain", _("Skipped: already there.")
    return "plain", _adds(row.twin, card, country=batch.by.country)


def _adds(twin: Contact, card: Card, *, country: str) -> str:
    more, fields = addition(card_of(twin), card, country=country)
    numbers, emails = len(more.numbers), len(more.emails)
    parts = [
        ngettext("one number", "%(many)s numbers", numbers) % {"many": numbers} if numbers else "",
        ngettext("one e-mail address", "%(many)s e-mail addresses", emails) % {"many": emails} if emails else "",
        *map(_field, fields),
    ]
    told = ", ".join(filter(None, parts))
    return (
        _("Already there. Added to it: %(what)s.") % {"what": told} if told else _("Already there, with all of this.")
    )


def _field(name: str) -> str:
    names = {"company": _("the company"), "language": _("the language"), "notes": _("notes")}
    return names.get(name, "") or (_("the name") if name == "last_name" else "")


def _silent(batch: ImportBatch, card: Card) -> Iterator[str]:
    """Say how many mobile numbers cannot get SMS as they stand: they are kept, and the check-up cures them."""
    mobiles: list[Any] = [typed for typed, kind in card.numbers if kind == Kind.MOBILE]
    bad = sum(not read_contact(typed, kind=Kind.MOBILE, country=batch.by.country).ok for typed in mobiles)
    if bad:
        yield ngettext(
            "One mobile number cannot get SMS as it stands; the check-up says why.",
            "%(many)s mobile numbers cannot get SMS as they stand; the check-up says why.", bad,
        ) % {"many": bad}  # fmt: skip
