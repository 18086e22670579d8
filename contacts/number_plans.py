"""Which dialled digits are a number that can receive SMS: libphonenumber's word, and a short cut to it. Pure.

The library takes 15-30 µs a number, a list of 10,000 half a second. Mobile numbers of a country code's main country,
which most are, are known from one pattern of the same metadata instead; tests show that the answers are the same.
"""

import re
from functools import lru_cache
from typing import NamedTuple

import phonenumbers
from phonenumbers import NumberParseException, PhoneMetadata, PhoneNumberDesc, PhoneNumberType, ValidationResult

from contacts.number_reasons import Reason

# Without it a list with numbers of many countries recompiles their patterns again and again: ten times slower.
phonenumbers.enable_pattern_cache()

_TYPES = {
    PhoneNumberType.MOBILE: None,
    PhoneNumberType.FIXED_LINE_OR_MOBILE: None,
    PhoneNumberType.FIXED_LINE: Reason.LANDLINE,
    PhoneNumberType.TOLL_FREE: Reason.TOLL_FREE,
    PhoneNumberType.PREMIUM_RATE: Reason.PREMIUM,
    PhoneNumberType.SHARED_COST: Reason.SHARED_COST,
    PhoneNumberType.VOIP: Reason.VOIP,
    PhoneNumberType.PERSONAL_NUMBER: Reason.PERSONAL,
    PhoneNumberType.PAGER: Reason.PAGER,
    PhoneNumberType.UAN: Reason.UAN,
    PhoneNumberType.VOICEMAIL: Reason.VOICEMAIL,
}
# Codes without a country (ITU-T E.164 assigned codes), and the satellite ranges of Russia and China that
# libphonenumber calls mobile.
_RANGES = {
    "800": Reason.TOLL_FREE,
    "808": Reason.SHARED_COST,
    "870": Reason.SATELLITE,
    "878": Reason.PERSONAL,
    "881": Reason.SATELLITE,
    "882": Reason.INTERNATIONAL_NETWORK,
    "883": Reason.INTERNATIONAL_NETWORK,
    "888": Reason.INTERNATIONAL_NETWORK,
    "979": Reason.PREMIUM,
    "7954": Reason.SATELLITE,
    "861349": Reason.SATELLITE,
    "861740": Reason.SATELLITE,
}
_NEVER = "(?!)"
_PARSE_FAULTS = {
    NumberParseException.INVALID_COUNTRY_CODE: Reason.UNKNOWN_COUNTRY,
    NumberParseException.TOO_LONG: Reason.TOO_LONG,
}
_FAULTS = {
    ValidationResult.INVALID_COUNTRY_CODE: Reason.UNKNOWN_COUNTRY,
    ValidationResult.TOO_SHORT: Reason.TOO_SHORT,
    ValidationResult.IS_POSSIBLE_LOCAL_ONLY: Reason.TOO_SHORT,
    ValidationResult.TOO_LONG: Reason.TOO_LONG,
}


class Known(NamedTuple):
    """A number (E.164) that exists, `refused` if it cannot receive SMS."""

    number: str
    refused: Reason | None


class _Plan(NamedTuple):
    """What the short cut needs of the main country of a country code.

    `mobile` matches national numbers that can receive SMS and that the library takes as they stand; `trunk` is what is
    dialled before them at home, `abroad` matches what is dialled before a country code, `strippable` whatever the
    library may strip from the front; `lengths` are those of all its national numbers.
    """

    code: str
    mobile: re.Pattern[str]
    trunk: str
    abroad: re.Pattern[str]
    strippable: re.Pattern[str]
    lengths: frozenset[int]


def region_of(country: str | None) -> str | None:
    """The country's code as the library knows it; None for a country that has no numbers of its own."""
    region = (country or "").upper()
    return region if region in phonenumbers.SUPPORTED_REGIONS else None


def known(dialled: str, *, own: str | None = None) -> Known | None:
    """The number that `+` and digits, or digits dialled in the country `own`, stand for, if it exists."""
    number = _mobile_at_home(dialled, own=own) if own else _mobile_abroad(dialled)
    if number:
        return Known(number, reserved(number[1:]))
    return known_to_library(dialled, own=own)


def is_plain_mobile(dialled: str) -> bool:
    """Whether `+` and digits are a mobile number that can receive SMS and needs no other reading; True only if sure."""
    digits = dialled[1:]
    plain = dialled[:1] == "+" and digits.isascii() and digits.isdecimal()
    return plain and _mobile_abroad(dialled) is not None and not reserved(digits)


def known_to_library(dialled: str, *, own: str | None = None) -> Known | None:
    """The same without the short cut."""
    try:
        parsed = phonenumbers.parse(dialled, own)
    except NumberParseException:
        return None
    kind = phonenumbers.number_type(parsed)
    number = f"+{parsed.country_code}{phonenumbers.national_significant_number(parsed)}"
    if kind not in _TYPES or not 8 <= len(number) <= 16:
        return None
    return Known(number, reserved(number[1:]) or _TYPES[kind])


def is_domestic(number: str, *, own: str) -> bool:
    """Whether an E.164 number has the country code of the country `own`."""
    return number.startswith(f"+{phonenumbers.country_code_for_region(own)}")


def has_national_reading(digits: str, *, own: str) -> bool:
    """Whether digits dialled in the country `own` can be another number than after a `+`; False only where sure."""
    plan = _plan(own)
    if plan is None or len(digits) in plan.lengths or plan.strippable.match(digits):
        return True
    return digits.startswith(plan.code) and plan.strippable.match(digits, len(plan.code)) is not None


def reserved(digits: str) -> Reason | None:
    """Why digits that begin with this country code cannot receive SMS, existing or not: satellites and their like."""
    return _RANGES.get(digits[:3]) or _RANGES.get(digits[:4]) or _RANGES.get(digits[:6])


def fault(digits: str) -> Reason:
    """What is wrong with digits that begin with a country code and are no number."""
    try:
        length = phonenumbers.is_possible_number_with_reason(phonenumbers.parse("+" + digits))
    except NumberParseException as failed:
        return _PARSE_FAULTS.get(failed.error_type, Reason.TOO_SHORT)
    return _FAULTS.get(length, Reason.INVALID)


def _mobile_abroad(dialled: str) -> str | None:
    plan = _plan_of_code(dialled[1:2]) or _plan_of_code(dialled[1:3]) or _plan_of_code(dialled[1:4])
    return dialled if plan and plan.mobile.fullmatch(dialled, len(plan.code) + 1) else None


def _mobile_at_home(dialled: str, *, own: str) -> str | None:
    plan = _plan(own)
    if not plan or not plan.trunk or not dialled.startswith(plan.trunk) or plan.abroad.match(dialled):
        return None
    return f"+{plan.code}{dialled[len(plan.trunk) :]}" if plan.mobile.fullmatch(dialled, len(plan.trunk)) else None


@lru_cache(maxsize=2048)
def _plan_of_code(code: str) -> _Plan | None:
    regions = phonenumbers.COUNTRY_CODE_TO_REGION_CODE.get(int(code or 0), ())
    return _plan(regions[0]) if regions and regions[0] in phonenumbers.SUPPORTED_REGIONS else None


@lru_cache(maxsize=512)
def _plan(region: str) -> _Plan | None:
    """The plan of a region, None where the short cut would have to know more than one pattern."""
    metadata = PhoneMetadata.metadata_for_region(region)
    code = str(phonenumbers.country_code_for_region(region))
    if metadata is None or metadata.leading_digits or region != phonenumbers.region_code_for_country_code(int(code)):
        return None
    home = metadata.national_prefix_for_parsing or _NEVER
    abroad = metadata.international_prefix or _NEVER
    plain = home.isdecimal() and home != code and not metadata.national_prefix_transform_rule
    return _Plan(
        code,
        _mobile_pattern(metadata),
        trunk=home if plain else "",
        abroad=re.compile(abroad),
        strippable=re.compile(f"(?:{home})|(?:{abroad})"),
        lengths=frozenset(metadata.general_desc.possible_length if metadata.general_desc else ()),
    )


def _mobile_pattern(metadata: PhoneMetadata) -> re.Pattern[str]:
    """National numbers that can receive SMS: in no other range, and with nothing in front that might be stripped."""
    others = [
        metadata.premium_rate,
        metadata.toll_free,
        metadata.shared_cost,
        metadata.voip,
        metadata.personal_number,
        metadata.pager,
        metadata.uan,
        metadata.voicemail,
    ]
    wanted = metadata.fixed_line if metadata.same_mobile_and_fixed_line_pattern else metadata.mobile
    unlike = "".join(f"(?!{_pattern(each)})" for each in others)
    stripped = f"(?!{metadata.national_prefix_for_parsing or _NEVER})"
    return re.compile(f"{stripped}{unlike}(?={_pattern(metadata.general_desc)}){_pattern(wanted)}", re.ASCII)


def _pattern(description: PhoneNumberDesc | None) -> str:
    if description is None or not description.national_number_pattern:
        return _NEVER
    lengths = "|".join(rf"\d{{{length}}}\Z" for length in description.possible_length)
    return rf"(?={lengths})(?:{description.national_number_pattern})\Z"
