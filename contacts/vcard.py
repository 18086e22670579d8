"""vCard in: versions 2.1, 3.0 (RFC 2426) and 4.0 (RFC 6350), as telephones, Outlook, Google and Apple write them. Pure.

`vobject` reads the lines. Two of its habits are kept away from it: a line's head of many empty parameters keeps its
regular expression busy for ever, so heads are bounded and made plain first; and it finds quoted-printable only in
capitals. Pictures, keys and sounds are dropped before anything is parsed.
"""

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO, Final

from vobject.base import ContentLine, ParseError, getLogicalLines, textLineToContentLine

from contacts.file_records import MOST_ROWS, Fault, Record, Remark, Unreadable, checked, lines, named

LONGEST_LINE: Final = 64 * 1024
MOST_CHARACTERS: Final = 256 * 1024  # of one card, pictures not counted
DEEPEST: Final = 3
LONGEST_HEAD: Final = 500
MOST_PROPERTIES: Final = 12_000

_WANTED = frozenset({"N", "FN", "ORG", "TEL", "EMAIL", "NOTE", "LANG", "X-ABLABEL"})
_NAME = re.compile(r"(?:[A-Za-z0-9_-]{1,60}\.)?+([A-Za-z0-9_-]{1,60})[;:]")
_HEAD = re.compile(r'([A-Za-z0-9_.-]++)((?:;(?:[^":;]|"[^"\n]*+")*+)*+):')
_PARAMETER = re.compile(r'([A-Za-z0-9_-]++)(?:=("?[^"]*+"?(?:,"[^"]*+")*+))?+')
_FIELD = re.compile(r"((?:[^;\\]|\\.|\\\Z)*+)(?:;|\Z)", re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_BLANK_AFTER = {"n": "\n", "N": "\n"}
_PARTS = ("last_name", "first_name", "middle_name", "prefix", "suffix")
_KINDS = (
    ("fax", ("FAX", "HOMEFAX", "WORKFAX", "OTHERFAX")),
    ("mobile", ("CELL", "MOBILE", "IPHONE", "MOBIEL", "PORTABLE", "GSM", "CAR", "TEXT", "PCS")),
    ("work", ("WORK", "MAIN", "COMPANY", "COMPANY_MAIN", "WERK", "BUREAU", "TRAVAIL")),
    ("home", ("HOME", "THUIS", "DOMICILE")),
    ("other", ("OTHER", "X-OTHER", "PAGER", "ISDN", "VIDEO", "BBS", "MODEM", "TEXTPHONE")),
)
_EMAIL_KINDS = (("work", ("WORK", "WERK", "TRAVAIL")), ("home", ("HOME", "THUIS", "DOMICILE")))


@dataclass(slots=True)
class _Card:
    """The wanted lines of one card. `dropping` while those of another property pass, `soft` after a soft break."""

    row: int
    lines: list[str] = field(default_factory=list)
    size: int = 0
    dropping: bool = False
    quoted: bool = False
    soft: bool = False

    def take(self, text: str) -> None:
        """Add a line, unless it belongs to a property that nobody wants. Raises Unreadable for too much."""
        bare = text.rstrip("\r\n")
        if not (self.soft or text[0] in " \t"):
            self._begin(bare)
        self.soft = self.quoted and bare.endswith("=")
        if self.dropping:
            return
        self.size += len(text)
        if self.size > MOST_CHARACTERS or len(self.lines) > MOST_PROPERTIES:
            raise Unreadable(Fault.LARGE_CARD, row=self.row)
        self.lines.append(text)

    def _begin(self, bare: str) -> None:
        name = _NAME.match(bare)
        if name is None:
            self.dropping = self.dropping or not bare
            return
        self.dropping = name[1].upper() not in _WANTED
        self.quoted = "quoted-printable" in bare[:LONGEST_HEAD].lower()


def records(file: BinaryIO) -> Iterator[Record]:
    """Yield what each card of a file says. Raises Unreadable where the file cannot be read as vCards."""
    found = 0
    for card in _cards(file):
        found += 1
        if found > MOST_ROWS:
            raise Unreadable(Fault.TOO_MANY_ROWS, row=found)
        yield checked(_record(card))
    if not found:
        raise Unreadable(Fault.NO_CARD)


def _cards(file: BinaryIO) -> Iterator[_Card]:
    """Yield each outermost card. What stands inside another (an AGENT of 2.1) is not taken."""
    card, depth, found = _Card(0), 0, 0
    for text in lines(file, most=LONGEST_LINE):
        bare = text.strip().upper()
        if bare == "BEGIN:VCARD":
            depth += 1
            if depth == 1:
                found += 1
                card = _Card(found)
            if depth > DEEPEST:
                raise Unreadable(Fault.NESTED, row=found)
        elif bare == "END:VCARD" and depth:
            depth -= 1
            if not depth:
                yield card
        elif depth == 1:
            card.take(text)
    if depth:
        raise Unreadable(Fault.NOT_CLOSED, row=found)


def _record(card: _Card) -> Record:
    record = Record(row=card.row)
    properties: list[ContentLine] = []
    for text, _number in getLogicalLines(io.StringIO("".join(card.lines)), allowQP=True):
        found = _property(text)
        if found is None:
            record.remark(Remark.LINE, text)
        else:
            properties.append(found)
    labels = {each.group: each.value for each in properties if each.name == "X-ABLABEL" and each.group}
    for each in properties:
        _write(record, each, label=labels.get(each.group, ""))
    _whole_name(record, properties)
    return record


def _property(text: str) -> ContentLine | None:
    """Return the line as vobject reads it, or None where it is none."""
    head = _HEAD.match(text, 0, LONGEST_HEAD)
    if head is None:
        return None
    parameters = [_PARAMETER.fullmatch(each.strip()) for each in head[2].split(";") if each.strip()]
    plain = [f";{each[1]}={each[2]}" if each[2] else f";{each[1].upper()}" for each in parameters if each]
    plain = [each.upper() if "quoted-printable" in each.lower() else each for each in plain]
    value = text[head.end() :]
    for attempt in (plain, [each for each in plain if not each.upper().startswith((";CHARSET", ";ENCODING=Q"))]):
        try:
            return textLineToContentLine(f"{head[1]}{''.join(attempt)}:{value}")
        except (ParseError, UnicodeError, LookupError, ValueError):
            continue
    return None


def _write(record: Record, found: ContentLine, *, label: str) -> None:
    value = str(found.value)
    if found.name == "N":
        for part, text in zip(_PARTS, _fields(value), strict=False):
            setattr(record, part, text)
    elif found.name == "ORG" and not record.company:
        record.company = next(iter(_fields(value)), "")
    elif found.name == "NOTE":
        record.notes = "\n".join(filter(None, (record.notes, _plain(value))))
    elif found.name == "LANG" and not record.language:
        record.language = value
    elif found.name == "TEL":
        record.numbers.append((_number(value), _kind(found, label, _KINDS)))
    elif found.name == "EMAIL":
        address = value[7:] if value.lower().startswith("mailto:") else _plain(value)
        record.emails.append((address, _kind(found, label, _EMAIL_KINDS) or "other"))


def _whole_name(record: Record, properties: list[ContentLine]) -> None:
    """Let FN be the name where N says none, unless it only repeats the company."""
    if any(getattr(record, part).strip() for part in _PARTS):
        return
    whole = next((_plain(str(each.value)) for each in properties if each.name == "FN"), "")
    repeats = {record.company, *(each[0] for each in record.numbers), *(each[0] for each in record.emails)}
    if whole.strip() not in repeats:
        named(record, whole)


def _number(value: str) -> str:
    """A telephone URI (RFC 3966) less its scheme; an extension stays, so that the number says that it has one."""
    plain = _plain(value).strip()
    return plain[4:].replace(";ext=", " ext ") if plain.lower().startswith("tel:") else plain


def _kind(found: ContentLine, label: str, kinds: tuple[tuple[str, tuple[str, ...]], ...]) -> str:
    """What the types say, in whichever way they are written: TYPE=CELL, TYPE="voice,cell", ;CELL, or Apple's label."""
    said = [*found.params.get("TYPE", ()), *found.singletonparams]
    words = {word.strip().upper() for each in said for word in each.strip('"').split(",")}
    words |= {word.upper() for word in re.findall(r"[^\W_]+", label)}
    return next((kind for kind, names in kinds if words.intersection(names)), "")


def _fields(value: str) -> list[str]:
    return [_plain(each) for each in _FIELD.findall(value[:LONGEST_LINE])][:5]


def _plain(value: str) -> str:
    return _ESCAPED.sub(lambda found: _BLANK_AFTER.get(found[1], found[1]), value)
