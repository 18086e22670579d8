"""How many SMS a text takes, which characters make it dearer, and what to write instead. Pure: text in, values out.

A part holds 160 septets of the GSM 7-bit default alphabet, or 70 UTF-16 code units where one character is outside it;
when parts are joined, 6 octets of each are the joining header: 153 septets or 67 units are left. The ten characters
of the extension table take two septets, a character beyond U+FFFF two units, and neither pair may be cut in two.
Source: 3GPP TS 23.038 (6.2.1 alphabet, 6.2.1.1 extension table) and TS 23.040 (9.2.3.24.1 concatenation).

`static/sms/parts.js` is the same in the browser; tests hold the two together.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

MAX_PARTS: Final = 10

_BASIC = (
    "@£$¥èéùìòÇ\nØøÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENSION = "\f^{}\\[~]|€"
_OUTSIDE_GSM7 = re.compile(f"[^{re.escape(_BASIC + _EXTENSION)}]")

_LINE_ENDS = re.compile("\r\n|[\r\x85\u2028\u2029]")
_TABS = re.compile("[\t\v]")
_UNSEEN = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\ufeff]")
_SURROGATES = re.compile("[\ud800-\udfff]")

# Accents that stand apart from their letter (as macOS writes file names) belong to it.
_MARKS = "\u0300-\u036f"
_LETTER_OR_CHARACTER = re.compile(f"[A-Za-z\u00c0-\u024f\u1e00-\u1eff]?[{_MARKS}]+|.", re.DOTALL)

# Blocks whose compatibility decompositions keep the meaning and are the same in every version of Unicode since 6.0,
# so that the browser's tables and ours agree. Superscripts and fractions are left out: 10² is not 102, 1½ not 11/2.
_HAS_PLAIN_FORM = re.compile(
    f"[A-Za-z\u00a0-\u00b1\u00b4-\u00b8\u00ba\u00bb\u00bf-\u024f{_MARKS}"
    "\u1e00-\u1eff\u2100-\u214f\ufb00-\ufb06\uff01-\uff5e]+"
)
_SPELT_OUT = (
    "…=... ‥=.. ·=. ¸=, ¦=| ⁄=/ ÷=: ×=x ±=+/- ≤=<= ≥=>= →=-> ←=<- ©=(c) ®=(r) ¢=c µ=u œ=oe Œ=OE "
    "ð=d Ð=D đ=d Đ=D þ=th Þ=Th ħ=h Ħ=H ł=l Ł=L ŧ=t Ŧ=T ŋ=ng Ŋ=Ng ı=i ĸ=k ƒ=f ẞ=ß"
)
_INSTEAD = {
    **dict.fromkeys("‘’‚‛′‹›ʹʼ`´", "'"),
    **dict.fromkeys("“”„‟″«»", '"'),
    **dict.fromkeys("‐‑‒–—―−⁃•‣◦▪●", "-"),
    **dict.fromkeys("\u00a0\u1680\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B))), " "),
    **dict.fromkeys("\u00ad\u200b\u2060", ""),
    **dict(pair.split("=", 1) for pair in _SPELT_OUT.split()),
}
_INSTEAD_OF_EXTENSION = {"[": "(", "]": ")", "{": "(", "}": ")", "\\": "/", "|": "/", "~": "-", "\f": "\n"}
_COUNTED_ONCE = str.maketrans(dict.fromkeys(_EXTENSION, "x"))


class Encoding(StrEnum):
    """The two ways a text goes over the air."""

    GSM7 = "gsm7"
    UCS2 = "ucs2"


# encoding -> units of a lone part, units of each of several joined parts
_LIMITS = {Encoding.GSM7: (160, 153), Encoding.UCS2: (70, 67)}


@dataclass(frozen=True)
class Parts:
    """A text cut into the parts in which it goes out, and is paid.

    `slices` joined give the clean text. `used` counts units (septets or UTF-16 code units) of the whole text, `limit`
    those that each part holds, `left` those that are free in the last part (of the first, while there is none).
    """

    encoding: Encoding
    slices: tuple[str, ...]
    used: int
    limit: int
    left: int

    @property
    def count(self) -> int:
        """The number of parts: what is debited per recipient."""
        return len(self.slices)


@dataclass(frozen=True)
class Costly:
    """A character (with its loose accents) that makes a text dearer.

    `positions` are indices into `clean(text)`, counted in code points; `plain` is what says the same for less: it may
    be empty (a soft hyphen), and is None where nothing does (an emoji).
    """

    text: str
    positions: tuple[int, ...]
    plain: str | None


class TooLong(ValueError):
    """The text takes more than MAX_PARTS parts. `length` and `most` are in the units of its encoding."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts.count
        self.length = parts.used
        self.most = MAX_PARTS * _LIMITS[parts.encoding][1]
        super().__init__(f"{self.parts} parts, {self.length} units: at most {MAX_PARTS} parts, {self.most} units")


def clean(text: str) -> str:
    """The text as it is counted, kept and sent.

    CRLF, CR and the Unicode line ends become LF, tabs a space. What no phone can show goes: the other control
    characters (NUL and ESC among them; form feed stays, the alphabet has it), byte order marks, and surrogates without
    their other half.
    Bidirectional marks stay: right-to-left texts need them. Cleaning twice changes nothing.
    """
    if _SURROGATES.search(text):
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "ignore")
    return _UNSEEN.sub("", _TABS.sub(" ", _LINE_ENDS.sub("\n", text)))


def split(text: str) -> Parts:
    """Cuts a text of any length, cleaned, into the fewest parts that it fits; no text takes none."""
    text = clean(text)
    encoding = Encoding.UCS2 if _OUTSIDE_GSM7.search(text) else Encoding.GSM7
    single, joined = _LIMITS[encoding]
    used = _units(text, encoding=encoding)
    if used <= single:
        return Parts(encoding, (text,) if text else (), used=used, limit=single, left=single - used)
    slices = tuple(_cut(text, encoding=encoding, size=joined))
    left = joined - _units(slices[-1], encoding=encoding)
    return Parts(encoding, slices, used=used, limit=joined, left=left)


def within_limit(text: str) -> Parts:
    """The parts of a text that may be sent. Raises TooLong, with the length, past MAX_PARTS parts."""
    parts = split(text)
    if parts.count > MAX_PARTS:
        raise TooLong(parts)
    return parts


def costly(text: str) -> tuple[Costly, ...]:
    """The characters that make a text dearer, each once, in the order of their first place.

    Those outside the GSM 7-bit alphabet, as one of them makes every character of the text dearer; else those of the
    extension table, if the text would take fewer parts were they counted once.
    """
    text = clean(text)
    if _OUTSIDE_GSM7.search(text):
        dear = _places(found for found in _pieces(text) if _OUTSIDE_GSM7.search(found[1]))
        return tuple(Costly(piece, places, _plain_form(piece)) for piece, places in dear.items())
    if split(text.translate(_COUNTED_ONCE)).count == split(text).count:
        return ()
    dear = _places(found for found in _pieces(text) if found[1] in _EXTENSION)
    return tuple(Costly(char, places, _INSTEAD_OF_EXTENSION.get(char)) for char, places in dear.items())


def plain(text: str) -> str:
    """The clean text with every costly character that has a plain form replaced by it."""
    text = clean(text)
    instead = {each.text: each.plain for each in costly(text) if each.plain is not None}
    return _LETTER_OR_CHARACTER.sub(lambda found: instead.get(found.group(), found.group()), text)


def saving(text: str) -> int:
    """The parts per recipient that `plain(text)` saves; never negative (`…` is one character, `...` three)."""
    return max(0, split(text).count - split(plain(text)).count)


def _units(text: str, *, encoding: Encoding) -> int:
    if encoding is Encoding.UCS2:
        return len(text.encode("utf-16-le")) // 2
    return len(text) + sum(map(text.count, _EXTENSION))


def _cut(text: str, *, encoding: Encoding, size: int) -> Iterator[str]:
    """Slices of at most `size` units, each as full as whole characters make it: that is also the fewest slices."""
    start = filled = 0
    for place, char in enumerate(text):
        width = 2 if (char > "\uffff" if encoding is Encoding.UCS2 else char in _EXTENSION) else 1
        if filled + width > size:
            yield text[start:place]
            start, filled = place, 0
        filled += width
    yield text[start:]


def _pieces(text: str) -> Iterator[tuple[int, str]]:
    return ((found.start(), found.group()) for found in _LETTER_OR_CHARACTER.finditer(text))


def _places(found: Iterator[tuple[int, str]]) -> dict[str, tuple[int, ...]]:
    places: dict[str, list[int]] = {}
    for place, piece in found:
        places.setdefault(piece, []).append(place)
    return {piece: tuple(indices) for piece, indices in places.items()}


def _plain_form(piece: str) -> str | None:
    """What says the same in the GSM 7-bit alphabet: e and a loose acute give é, ê gives e, œ gives oe."""
    composed = unicodedata.normalize("NFC", piece)
    if not _OUTSIDE_GSM7.search(composed):
        return composed
    if piece in _INSTEAD:
        return _INSTEAD[piece]
    if not _HAS_PLAIN_FORM.fullmatch(piece):
        return None
    bare = re.sub(f"[{_MARKS}]", "", unicodedata.normalize("NFKD", piece))
    written = "".join(_INSTEAD.get(char, char) for char in bare)
    return None if _OUTSIDE_GSM7.search(written) else written
