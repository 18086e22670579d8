"""A phone number as a value: read what people type, judge whether it can receive SMS, repair it, show it. Pure.

Strict in storing, lenient in typing (ACCEPTANCE.md "Numbers"): what is kept is E.164 (ITU-T E.164: `+` and 7 to 15
digits), whatever dots, slashes, brackets, dashes, spaces or digits of other scripts were typed. A number is read as
international first, then in the user's own country; where both give different numbers we ask and never guess.

Only mobile numbers, and those whose type cannot be told from the digits (United States, Canada and others), can
receive SMS. Internet and personal numbers cannot: whether they pass SMS on is each provider's own affair.
Satellites, international networks and the shared ranges are refused by their prefix, as libphonenumber calls some of
them mobile; it also drops letters, which we refuse.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, NamedTuple

import phonenumbers
from phonenumbers import PhoneNumberFormat

from contacts.number_plans import (
    fault,
    has_national_reading,
    is_domestic,
    is_plain_mobile,
    known,
    region_of,
    reserved,
)
from contacts.number_reasons import CORRECTED, FROM_ELSEWHERE, LABELS, SENTENCES, How, Reason
from contacts.number_text import Digits, Entry, clean, misshapen, reshaped, split_many, without_uri

__all__ = [
    "MAX_CHARACTERS",
    "Entry",
    "Form",
    "How",
    "Kind",
    "Reading",
    "Reason",
    "Repair",
    "clean",
    "countries_of",
    "country_of",
    "read",
    "read_contact",
    "read_many",
    "shown",
    "split_many",
]

MAX_CHARACTERS: Final = 64
TELLS_THE_COUNTRY: Final = 9  # characters: + and eight digits, where countries share a code (+1, +44, +590)

# country codes that one country has for itself
_ALONE = {f"+{code}" for code, regions in phonenumbers.COUNTRY_CODE_TO_REGION_CODE.items() if len(regions) == 1}
_UNSTORABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")


class Kind(StrEnum):
    """The type that a contact's number bears in the address book."""

    MOBILE = "mobile"
    HOME = "home"
    WORK = "work"
    FAX = "fax"
    OTHER = "other"


class Form(StrEnum):
    """How a number that was understood had been written."""

    INTERNATIONAL = "international"
    """From the country code on, with or without +."""
    PREFIXED = "prefixed"
    """With a dialling prefix: 0032…, from the United States 01132…"""
    CORRECTED = "corrected"
    """+32 (0)475…: digits had to be left out or changed."""
    NATIONAL = "national"
    """Without country code."""


@dataclass(frozen=True, slots=True)
class Repair:
    """A number (E.164) that the user may have meant, to be confirmed by a click; `kind` is the type that it then gets.

    `refused` tells why this reading could not receive SMS either: of two readings, one may be a landline.
    """

    number: str
    how: How
    kind: Kind | None = None
    refused: Reason | None = None

    @property
    def label(self) -> str:
        """What the repair does, in the reader's language."""
        return str(LABELS[self.how])

    @property
    def shown(self) -> str:
        """The number in international form."""
        return shown(self.number)

    @property
    def country(self) -> str | None:
        """ISO 3166-1 alpha-2 code of the number's country."""
        return country_of(self.number)


@dataclass(frozen=True, slots=True)
class Reading:
    """What was typed, and what we make of it.

    `typed` lacks only what no database can store. `understood` is E.164, also of a number that is refused for what it
    is (a landline); `number` is E.164 only where an SMS may go there. A `corrected` number is `ok`, to be shown.
    """

    typed: str
    understood: str | None = None
    form: Form | None = None
    reason: Reason | None = None
    repairs: tuple[Repair, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether an SMS may go to this number."""
        return self.reason is None

    @property
    def number(self) -> str | None:
        """E.164 where an SMS may go to it, else None."""
        return self.understood if self.ok else None

    @property
    def corrected(self) -> bool:
        """Whether it was read with a correction that must be shown before sending."""
        return self.ok and self.form is Form.CORRECTED

    @property
    def shown(self) -> str:
        """The understood number in international form (+32 475 12 34 56), or what was typed."""
        return shown(self.understood) if self.understood else self.typed

    @property
    def country(self) -> str | None:
        """ISO 3166-1 alpha-2 code of the understood number's country; None for what belongs to no country."""
        return country_of(self.understood) if self.understood else None

    @property
    def sentence(self) -> str:
        """What the user has to know, in the reader's language; empty for a number that was read as it stands."""
        if not self.reason:
            return str(CORRECTED) if self.corrected else ""
        sentence = str(SENTENCES[self.reason])
        from_elsewhere = self.form is Form.NATIONAL and not self.repairs
        return f"{sentence} {FROM_ELSEWHERE}" if from_elsewhere else sentence


def read(typed: str, *, country: str | None) -> Reading:
    """Reads one free number (S3) as typed by somebody of `country` (ISO 3166-1 alpha-2; None or unknown: of none).

    A number without country code that is no mobile number in the own country is not taken for a landline there: it
    lacks its country code. Never raises.
    """
    reading = _read(typed, own=region_of(country))
    if reading.form is Form.NATIONAL and not reading.ok:
        return Reading(reading.typed, reason=Reason.MISSING_COUNTRY)
    return reading


def read_many(typed: Iterable[str], *, country: str | None) -> list[Reading]:
    """Reads each of several free numbers, as `read` does: 10,000 in a tenth of a second."""
    return [read(each, country=country) for each in typed]


def read_contact(typed: str, *, kind: Kind, country: str | None) -> Reading:
    """Reads a number of the address book (S19), more strictly than a free one.

    It can be ticked only if it is written in international format, with no zero before the country or area code, and
    its type is Mobile. Whatever can be cured bears its repair, which also sets the type. Never raises.
    """
    reading = _read(typed, own=region_of(country))
    new_kind = None if kind == Kind.MOBILE else Kind.MOBILE
    if not reading.ok or reading.understood is None:
        return replace(reading, repairs=tuple(replace(repair, kind=new_kind) for repair in reading.repairs))
    cure = _cure(reading.form, kind=kind)
    if cure is None:
        return reading
    reason, how = cure
    return replace(reading, reason=reason, repairs=(Repair(reading.understood, how, kind=new_kind),))


def shown(number: str) -> str:
    """An E.164 number in international form, grouped as in its country: +32 475 12 34 56."""
    return phonenumbers.format_number(phonenumbers.parse(number), PhoneNumberFormat.INTERNATIONAL)


def country_of(number: str) -> str | None:
    """The ISO 3166-1 alpha-2 code of an E.164 number's country; None for satellites and other networks without one."""
    region = phonenumbers.region_code_for_number(phonenumbers.parse(number))
    return None if region == phonenumbers.REGION_CODE_FOR_NON_GEO_ENTITY else region


def countries_of(numbers: Iterable[str]) -> list[str]:
    """Return `country_of` of each E.164 number, "" for None; of a list of 10,000 few are looked up one by one."""
    alike: dict[str, str] = {}
    found = []
    for number in numbers:
        start = number[:3]  # the commonest length; no code is the beginning of another
        if start not in _ALONE:
            start = next((number[:end] for end in (4, 2) if number[:end] in _ALONE), number[:TELLS_THE_COUNTRY])
        if start not in alike:
            alike[start] = country_of(number) or ""
        found.append(alike[start])
    return found


def _cure(form: Form | None, *, kind: Kind) -> tuple[Reason, How] | None:
    """Why a contact's number that can receive SMS cannot be ticked, and what cures it."""
    if form is Form.NATIONAL:
        return Reason.NOT_INTERNATIONAL, How.INTERNATIONAL_FORM
    if form in (Form.PREFIXED, Form.CORRECTED):
        return Reason.ZERO_BEFORE, How.WITHOUT_ZERO
    return None if kind == Kind.MOBILE else (Reason.NOT_MOBILE_KIND, How.SET_TO_MOBILE)


def _read(typed: str, *, own: str | None) -> Reading:
    """Reads as `read` does, but names a national landline a landline."""
    typed = typed.strip()
    if is_plain_mobile(typed):
        return Reading(typed, typed, form=Form.INTERNATIONAL)
    kept = typed if typed.isprintable() else _UNSTORABLE.sub("", typed)
    if len(typed) > MAX_CHARACTERS:
        return Reading(kept, reason=Reason.TOO_MANY_CHARACTERS)
    text = without_uri(clean(typed))
    reason = misshapen(text)
    if not reason:
        return _judged(kept, Digits.of(text), own=own)
    readings = ((how, _judged(kept, digits, own=own)) for how, digits in reshaped(text, reason))
    repairs = [Repair(reading.number, how) for how, reading in readings if reading.number]
    return Reading(kept, reason=reason, repairs=tuple(repairs[:1]))


class _Found(NamedTuple):
    """A number that exists, `refused` if it cannot receive SMS."""

    number: str
    form: Form
    refused: Reason | None


def _judged(typed: str, digits: Digits, *, own: str | None) -> Reading:
    found = _plausible(digits, own=own)
    if not found:
        return _unknown(typed, digits, own=own)
    if len(found) == 1 or all(each.refused for each in found):
        return Reading(typed, found[0].number, form=found[0].form, reason=found[0].refused)
    return Reading(typed, reason=Reason.AMBIGUOUS, repairs=tuple(map(_choice, found)))


def _choice(found: _Found) -> Repair:
    how = How.AS_NATIONAL if found.form is Form.NATIONAL else How.AS_INTERNATIONAL
    return Repair(found.number, how, refused=found.refused)


def _plausible(digits: Digits, *, own: str | None) -> list[_Found]:
    """The distinct numbers that exist among all readings, international ones first."""
    distinct: dict[str, _Found] = {}
    for found in _international(digits):
        distinct.setdefault(found.number, found)
    if own and not digits.plus and has_national_reading(digits.whole, own=own):
        for found in _national(digits, own=own):
            distinct.setdefault(found.number, found)
    return list(distinct.values())


def _international(digits: Digits) -> Iterator[_Found]:
    whole, spared = digits.international
    form = Form.PREFIXED if digits.says_country and not digits.plus else Form.INTERNATIONAL
    for attempt in (whole,) if spared == whole else (spared, whole):
        found = None if attempt.startswith("0") else known("+" + attempt)
        if found:
            as_typed = found.number == "+" + whole
            yield _Found(found.number, form if as_typed else Form.CORRECTED, found.refused)


def _national(digits: Digits, *, own: str) -> Iterator[_Found]:
    """The number as dialled within the own country, or abroad with that country's own prefix."""
    found = known(digits.whole, own=own)
    if found:
        form = Form.NATIONAL if is_domestic(found.number, own=own) else Form.PREFIXED
        yield _Found(found.number, form, found.refused)


def _unknown(typed: str, digits: Digits, *, own: str | None) -> Reading:
    """A number that exists in no reading: why not, and what the user may have meant."""
    repairs = tuple(_repairs(digits, own=own))
    whole, _spared = digits.international
    if whole.startswith("0") and (digits.says_country or repairs):
        return Reading(typed, reason=Reason.ZERO_BEFORE, repairs=repairs)
    if digits.says_country:
        return Reading(typed, reason=reserved(whole) or fault(whole), repairs=repairs)
    if 5 <= len(whole) <= 15:
        return Reading(typed, reason=Reason.MISSING_COUNTRY)
    return Reading(typed, reason=Reason.TOO_SHORT if len(whole) < 5 else Reason.TOO_LONG)


def _repairs(digits: Digits, *, own: str | None) -> Iterator[Repair]:
    """The number less the zeros before its country code, and what it is in the own country; only what gets SMS."""
    whole, _spared = digits.international
    if whole.startswith("0"):
        found = known("+" + whole.lstrip("0"))
        if found and not found.refused and (digits.says_country or (own and is_domestic(found.number, own=own))):
            yield Repair(found.number, How.WITHOUT_ZERO)
    if digits.says_country and own:
        found = known(digits.whole, own=own)
        if found and not found.refused:
            yield Repair(found.number, How.AS_NATIONAL)
