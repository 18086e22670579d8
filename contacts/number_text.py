"""The text of phone numbers: apart in a paste, in plain signs, and down to its digits. Knows no country. Pure."""

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple, Self
from urllib.parse import unquote

from contacts.number_reasons import How, Reason

_ENTRY = re.compile(
    r'(?:"[^"\n]*+"(?=\s*+<)|;(?=\s*+[A-Za-z-]++=)|[^",;|\t\n\v\f\r\x85\u2028\u2029，；、،؛]++|")++',
)
_BY_CATEGORY = {"Cf": "", "Zs": " ", "Zl": " ", "Zp": " ", "Pd": "-"}
_BY_CHARACTER = {"\x85": " ", **dict.fromkeys("−⁃ー", "-"), **dict.fromkeys("⁄∕", "/"), **dict.fromkeys("·•∙‧・", ".")}
_URI = re.compile(r"(?:tel|sms|smsto|callto):/*(?P<number>[^;?]*)(?P<parameters>(?:;[^;?]*)*)(?:\?.*)?", re.IGNORECASE)
_EXTENSION = re.compile(
    r"(?<=[\d)\]])[\s;,]*(?:ext(?:ension|n)?|x|poste|toestel|tst|durchwahl|dw|apparat|app|anexo|int|доб|#)"
    r"[\s.:=]*\d+\s*#?$",
    re.IGNORECASE,
)
_SHAPE = re.compile(r"[(\[ ]*\+?[0-9\s./()\[\]-]*")
_FOREIGN_SIGNS = re.compile(r"[^0-9+\s./()\[\]-]")
_LEADING_WORDS = re.compile(r"^[^\d+(\[]+")
_LOOK_ALIKES = str.maketrans("OoIl", "0011")
_NO_DIGITS = re.compile("[^0-9]+")
_BRACKETED_ZERO = re.compile(r"([0-9][^0-9]*)[(\[]\s*0\s*[)\]]")


class Entry(NamedTuple):
    """One recipient of a paste: the name before `<…>`, else empty, and the number as typed."""

    name: str
    typed: str


class Digits(NamedTuple):
    """The digits of a well-shaped number, `whole` as typed, and `spared`: without a bracketed zero, if it has one."""

    whole: str
    spared: str
    plus: bool

    @classmethod
    def of(cls, text: str) -> Self:
        """The digits of a text that `misshapen` lets pass."""
        whole = _NO_DIGITS.sub("", text)
        bracketed = "(" in text or "[" in text
        spared = _NO_DIGITS.sub("", _BRACKETED_ZERO.sub(r"\1", text, count=1)) if bracketed else whole
        return cls(whole, spared, plus="+" in text)

    @property
    def says_country(self) -> bool:
        """Whether it must begin with a country code: after + or 00."""
        return self.plus or self.whole.startswith("00")

    @property
    def international(self) -> tuple[str, str]:
        """`whole` and `spared` from the country code on, if there is one."""
        skip = 2 if self.says_country and not self.plus else 0
        return self.whole[skip:], self.spared[skip:]


def split_many(pasted: str) -> list[Entry]:
    """The numbers of a paste, in order, in linear time; empty ones are left out.

    They stand apart by commas, semicolons, bars, tabs or line ends; by a space where the next begins with + or where
    each has eight digits or more (two such are beyond the fifteen of E.164). `Jan Peeters <+32475123456>` gives the
    name too.
    """
    return [entry for found in _ENTRY.finditer(pasted) for entry in _entries(found.group().strip())]


def _entries(text: str) -> Iterator[Entry]:
    if text.endswith(">") and "<" in text:
        name, _bracket, number = text[:-1].rpartition("<")
        entry = Entry(" ".join(name.split()).strip("\"' "), number.strip())
        if any(entry):
            yield entry
    else:
        yield from (Entry("", number) for number in _apart(text.strip("\"'").split()))


def _apart(words: list[str]) -> Iterator[str]:
    """Words that together are one number, or several."""
    each_is_one = len(words) > 1 and all(_digits_in(word) >= 8 for word in words)
    number: list[str] = []
    for word in words:
        if number and (each_is_one or (word.startswith(("+", "(+")) and any(map(_digits_in, number)))):
            yield " ".join(number)
            number = []
        number.append(word)
    if number:
        yield " ".join(number)


def _digits_in(word: str) -> int:
    return sum(map(str.isdecimal, word))


def clean(typed: str) -> str:
    """What was typed in plain ASCII where it has such a form, invisible marks left out; cleaning twice changes nothing.

    Digits of every script are digits; spaces of every width, dashes, dots, slashes, plus signs become the plain ones.
    """
    return (typed if typed.isascii() else "".join(map(_plain_character, typed))).strip()


@lru_cache(maxsize=4096)
def _plain_character(char: str) -> str:
    category = unicodedata.category(char)
    if category == "Nd":
        return str(unicodedata.decimal(char))
    plain = _BY_CHARACTER.get(char, _BY_CATEGORY.get(category))
    if plain is not None:
        return plain
    folded = unicodedata.normalize("NFKC", char)
    # A superscript 2 is a footnote, not a digit of the number.
    return folded if len(folded) == 1 and folded.isascii() and category != "No" else char


def without_uri(text: str) -> str:
    """The number of a tel: URI (RFC 3966) or sms: URI (RFC 5724), its extension and its context said in plain."""
    found = _URI.fullmatch(text)
    if not found:
        return text
    number = unquote(found["number"])
    parameters = dict(part.partition("=")[::2] for part in found["parameters"].lower().split(";"))
    context = parameters.get("phone-context", "")
    if context.startswith("+") and not number.startswith("+"):
        number = context + number
    return clean(f"{number} ext {parameters['ext']}" if parameters.get("ext") else number)


def misshapen(text: str) -> Reason | None:
    """Why a clean text is no number of any country, or None."""
    if not text:
        return Reason.EMPTY
    if _SHAPE.fullmatch(text):
        return None
    if _EXTENSION.search(text):
        return Reason.EXTENSION
    return Reason.LETTERS if any(map(str.isalpha, text)) else Reason.UNREADABLE


def reshaped(text: str, reason: Reason) -> Iterator[tuple[How, Digits]]:
    """What a misshapen text may have meant, the likeliest first, and what was done to it."""
    attempts = {
        Reason.EXTENSION: [(How.WITHOUT_EXTENSION, _EXTENSION.sub("", text))],
        Reason.LETTERS: [
            (How.DIGITS_FOR_LETTERS, text.translate(_LOOK_ALIKES)),
            (How.WITHOUT_WORDS, _LEADING_WORDS.sub("", text)),
        ],
        Reason.UNREADABLE: [(How.WITHOUT_SIGNS, _FOREIGN_SIGNS.sub("", text))],
    }
    return ((how, Digits.of(attempt)) for how, attempt in attempts.get(reason, []) if not misshapen(attempt))
