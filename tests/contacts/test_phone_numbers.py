"""Numbers: every row of ACCEPTANCE.md "Numbers", the laws, and a second, naive reading of international forms."""

import re
import time
from dataclasses import replace

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from phonenumbers import PhoneNumberType

from contacts.phone_numbers import (
    Form,
    How,
    Kind,
    Reading,
    Reason,
    Repair,
    countries_of,
    country_of,
    read,
    read_contact,
    read_many,
    shown,
    split_many,
)
from tests.contacts.typed_numbers import anything, countries, international, near_misses, written

ANNA = "+32475123456"
E164 = re.compile(r"\+[1-9]\d{6,14}")


@pytest.mark.row("S3")
@pytest.mark.parametrize(
    ("typed", "country", "number", "form"),
    [
        ("32 475 123456", "BE", ANNA, Form.INTERNATIONAL),
        ("32 475 123456", None, ANNA, Form.INTERNATIONAL),
        ("+32475123456", "DE", ANNA, Form.INTERNATIONAL),
        ("+32 475/12.34.56", None, ANNA, Form.INTERNATIONAL),
        ("(+32) 475-12-34-56", "US", ANNA, Form.INTERNATIONAL),
        ("0032 475 123456", "BE", ANNA, Form.PREFIXED),
        ("0032 475 123456", "DE", ANNA, Form.PREFIXED),
        ("0032 475 123456", "US", ANNA, Form.PREFIXED),
        ("0032 475 123456", None, ANNA, Form.PREFIXED),
        ("011 32 475 123456", "US", ANNA, Form.PREFIXED),
        ("0011 32 475 123456", "AU", ANNA, Form.PREFIXED),
        ("+32 (0)475 123456", "BE", ANNA, Form.CORRECTED),
        ("+32 (0)475 123456", None, ANNA, Form.CORRECTED),
        ("+32 [0] 475 123456", None, ANNA, Form.CORRECTED),
        ("0032 (0)475 123456", "NL", ANNA, Form.CORRECTED),
        ("+320475123456", None, ANNA, Form.CORRECTED),
        ("+39 (0)347 1234567", None, "+393471234567", Form.CORRECTED),
        ("0475 12 34 56", "BE", ANNA, Form.NATIONAL),
        ("0475/12.34.56", "be", ANNA, Form.NATIONAL),
        ("(0)475 12 34 56", "BE", ANNA, Form.NATIONAL),
        ("475 12 34 56", "BE", ANNA, Form.NATIONAL),
        ("0475 12 34 56", "AU", "+61475123456", Form.NATIONAL),
        ("2025550123", "US", "+12025550123", Form.NATIONAL),
        ("(202) 555-0123", "CA", "+12025550123", Form.NATIONAL),
        ("1 202 555 0123", "BE", "+12025550123", Form.INTERNATIONAL),
        ("06 12 34 56 78", "FR", "+33612345678", Form.NATIONAL),
    ],
)
def test_what_is_accepted(typed, country, number, form):
    reading = read(typed, country=country)
    assert (reading.ok, reading.number, reading.form) == (True, number, form)
    assert reading.corrected == (form is Form.CORRECTED)
    assert reading.typed == typed
    assert reading.repairs == ()


@pytest.mark.row("S3")
@pytest.mark.parametrize(
    "typed",
    [
        "+32\u00a0475\u202f12\u200934\u300056",
        "\u202a+32475123456\u202c",
        "\u200e+32 475 12 34 56\u200f",
        "\ufeff+32\u200b475\u00ad123456",
        "＋３２４７５１２３４５６",
        "﹢32 475 123456",
        "+32 475–12—34‑56",
        "+32 475−12∕34⁄56",
        "+٣٢٤٧٥١٢٣٤٥٦",
        "+۳۲۴۷۵۱۲۳۴۵۶",
        "tel:+32475123456",
        "TEL:+32-475-12-34-56",
        "tel:%2B32475123456",
        "tel:+32475123456;foo=bar",
        "sms:+32475123456?body=hallo",
        "\t+32475123456\n",
    ],
)
def test_what_pages_and_programs_put_round_a_number_is_taken_off(typed):
    reading = read(typed, country=None)
    assert (reading.number, reading.corrected) == (ANNA, False)


def test_the_context_of_a_tel_uri_gives_the_country():
    assert read("tel:0475-12-34-56;phone-context=+32", country="US").number == ANNA


@pytest.mark.row("S3")
@pytest.mark.parametrize(
    ("typed", "country", "reason"),
    [
        ("0475 12 34 56", "DE", Reason.MISSING_COUNTRY),
        ("0475 12 34 56", "FR", Reason.MISSING_COUNTRY),
        ("0475 12 34 56", "NL", Reason.MISSING_COUNTRY),
        ("0475 12 34 56", "GB", Reason.MISSING_COUNTRY),
        ("0475 12 34 56", None, Reason.MISSING_COUNTRY),
        ("0475 12 34 56", "XX", Reason.MISSING_COUNTRY),
        ("02 555 12 12", "BE", Reason.MISSING_COUNTRY),
        ("2025550123", "BE", Reason.MISSING_COUNTRY),
        ("2025550123", "DE", Reason.MISSING_COUNTRY),
        ("2025550123", None, Reason.MISSING_COUNTRY),
        ("+32475123456O", "BE", Reason.LETTERS),
        ("+32 477 FLOWER", "BE", Reason.LETTERS),
        ("+32 477 ЦВЕТОК", "BE", Reason.LETTERS),
        ("Jan", "BE", Reason.LETTERS),
        ("+32 475 123456 ext 3", "BE", Reason.EXTENSION),
        ("+32 475 123456 ext. 3", None, Reason.EXTENSION),
        ("+32 475 123456x3", None, Reason.EXTENSION),
        ("+32 475 123456 #3", None, Reason.EXTENSION),
        ("+32 475 123456 toestel 12", None, Reason.EXTENSION),
        ("+32 475 123456 poste 12", None, Reason.EXTENSION),
        ("tel:+32-475-12-34-56;ext=3", None, Reason.EXTENSION),
        ("+32 2 555 12 12", "BE", Reason.LANDLINE),
        ("32 2 555 12 12", "BE", Reason.LANDLINE),
        ("0032 2 555 12 12", "BE", Reason.LANDLINE),
        ("+32 800 12345", "BE", Reason.TOLL_FREE),
        ("+32 900 12 345", "BE", Reason.PREMIUM),
        ("+49 180 1234567", None, Reason.SHARED_COST),
        ("+44 56 1234 5678", None, Reason.VOIP),
        ("+44 70 1234 5678", None, Reason.PERSONAL),
        ("+44 7640 123456", None, Reason.PAGER),
        ("+44 55 1234 5678", None, Reason.UAN),
        ("+41 860 123 456 789", None, Reason.VOICEMAIL),
        ("+8816 1234 5678", None, Reason.SATELLITE),
        ("008816 1234 5678", None, Reason.SATELLITE),
        ("+8816", None, Reason.SATELLITE),
        ("+870 773 111 632", None, Reason.SATELLITE),
        ("+870 123", None, Reason.SATELLITE),
        ("+7 954 123 45 67", None, Reason.SATELLITE),
        ("+86 1349 1234567", None, Reason.SATELLITE),
        ("+882 16 123 4567", None, Reason.INTERNATIONAL_NETWORK),
        ("+883 510 012 345", None, Reason.INTERNATIONAL_NETWORK),
        ("+883 5100 1234 5678", None, Reason.INTERNATIONAL_NETWORK),
        ("+979 1 2345 6789", None, Reason.PREMIUM),
        ("+808 1234 5678", None, Reason.SHARED_COST),
        ("+800 1234 5678", None, Reason.TOLL_FREE),
        ("+878 10 1234567890", None, Reason.PERSONAL),
        ("+999 123 456", None, Reason.UNKNOWN_COUNTRY),
        ("+0475 12 34 56", None, Reason.ZERO_BEFORE),
        ("+32 475 12 34", None, Reason.TOO_SHORT),
        ("+32 475 12 34 56 78", None, Reason.TOO_LONG),
        ("+32 399 12 34 56", None, Reason.INVALID),
        ("112", "BE", Reason.TOO_SHORT),
        ("0475 12 34 56 0476 12 34 56", "BE", Reason.TOO_LONG),
        ("", "BE", Reason.EMPTY),
        (" \u00a0\u200e", "BE", Reason.EMPTY),
        ("+", "BE", Reason.TOO_SHORT),
        ("-", "BE", Reason.TOO_SHORT),
        ("+32+475123456", "BE", Reason.UNREADABLE),
        ("32475\x00123456", "BE", Reason.UNREADABLE),
        ("0475 12 34 56²", "BE", Reason.UNREADABLE),
        ("☎", "BE", Reason.UNREADABLE),
        ("+" + "1" * 64, "BE", Reason.TOO_MANY_CHARACTERS),
        ("x" * 1_000_000, "BE", Reason.TOO_MANY_CHARACTERS),
    ],
)
def test_what_is_refused_and_why(typed, country, reason):
    reading = read(typed, country=country)
    assert (reading.ok, reading.number, reading.reason) == (False, None, reason)


@pytest.mark.row("S3")
def test_two_plausible_readings_are_asked():
    """The library calls +49 32475123456 a valid landline."""
    reading = read("32 475 123456", country="DE")
    assert (reading.ok, reading.reason) == (False, Reason.AMBIGUOUS)
    assert reading.repairs == (
        Repair("+32475123456", How.AS_INTERNATIONAL),
        Repair("+4932475123456", How.AS_NATIONAL, refused=Reason.LANDLINE),
    )


def test_a_number_of_arkansas_or_of_norway_is_asked_only_in_america():
    american = read("4792345678", country="US")
    assert [repair.number for repair in american.repairs] == ["+4792345678", "+14792345678"]
    assert read("4792345678", country="BE").number == "+4792345678"


@pytest.mark.row("S10")
@pytest.mark.parametrize("typed", ["+1 202 555 0123", "+1 416 555 0123", "+1 787 555 0123", "+1 876 555 0123"])
def test_numbers_whose_type_cannot_be_told_are_accepted(typed):
    assert read(typed, country="BE").ok


@pytest.mark.row("S10")
@pytest.mark.parametrize("country", sorted(phonenumbers.SUPPORTED_REGIONS - {"TA"}))
def test_the_library_s_example_mobile_of_every_country_is_accepted_in_its_usual_forms(country):
    """Tristan da Cunha (TA) has no mobile numbers."""
    example_number = phonenumbers.example_number_for_type(country, PhoneNumberType.MOBILE)
    assert example_number
    e164 = phonenumbers.format_number(example_number, phonenumbers.PhoneNumberFormat.E164)
    international = phonenumbers.format_number(example_number, phonenumbers.PhoneNumberFormat.INTERNATIONAL)
    for typed in (e164, international, "00" + e164[1:]):
        assert read(typed, country=None).number == e164
    national = phonenumbers.format_number(example_number, phonenumbers.PhoneNumberFormat.NATIONAL)
    at_home = read(national, country=country)
    assert e164 in {at_home.number, *(repair.number for repair in at_home.repairs)}


@pytest.mark.row("N3")
@pytest.mark.parametrize(
    ("typed", "country", "reason", "number", "how"),
    [
        ("+32 475 123456 ext 3", "BE", Reason.EXTENSION, ANNA, How.WITHOUT_EXTENSION),
        ("tel:+32-475-12-34-56;ext=3", None, Reason.EXTENSION, ANNA, How.WITHOUT_EXTENSION),
        ("GSM: 0475 12 34 56", "BE", Reason.LETTERS, ANNA, How.WITHOUT_WORDS),
        ("Mobiel +32 475 12 34 56", "BE", Reason.LETTERS, ANNA, How.WITHOUT_WORDS),
        ("O475 12 34 56", "BE", Reason.LETTERS, ANNA, How.DIGITS_FOR_LETTERS),
        ("+32 475 l2 34 56", None, Reason.LETTERS, ANNA, How.DIGITS_FOR_LETTERS),
        ("32475\x00123456", "BE", Reason.UNREADABLE, ANNA, How.WITHOUT_SIGNS),
        ("☎ +32 475 12 34 56", "BE", Reason.UNREADABLE, ANNA, How.WITHOUT_SIGNS),
        ("032475123456", "BE", Reason.ZERO_BEFORE, ANNA, How.WITHOUT_ZERO),
        ("+032475123456", None, Reason.ZERO_BEFORE, ANNA, How.WITHOUT_ZERO),
        ("+0032475123456", None, Reason.ZERO_BEFORE, ANNA, How.WITHOUT_ZERO),
        ("+0475123456", "BE", Reason.ZERO_BEFORE, ANNA, How.AS_NATIONAL),
        ("+475 12 34 56", "BE", Reason.INVALID, ANNA, How.AS_NATIONAL),
        ("+2025550123", "US", Reason.INVALID, "+12025550123", How.AS_NATIONAL),
    ],
)
def test_a_refused_number_bears_its_cure(typed, country, reason, number, how):
    reading = read(typed, country=country)
    assert (reading.number, reading.reason) == (None, reason)
    assert reading.repairs == (Repair(number, how),)


@pytest.mark.parametrize(
    ("typed", "country"),
    [
        ("+32475123456O", "BE"),
        ("+32 477 FLOWER", "BE"),
        ("032475123456", None),
        ("015712345678", "BE"),
        ("2025550123", "BE"),
    ],
)
def test_no_cure_is_guessed(typed, country):
    assert read(typed, country=country).repairs == ()


IN_FULL = Repair(ANNA, How.INTERNATIONAL_FORM, Kind.MOBILE)
SHORTER = Repair(ANNA, How.WITHOUT_EXTENSION, Kind.MOBILE)
AS_MOBILE = Repair(ANNA, How.SET_TO_MOBILE, Kind.MOBILE)


@pytest.mark.row("S19")
@pytest.mark.parametrize(
    ("typed", "kind", "country", "reason", "repairs"),
    [
        ("+32 475 12 34 56", Kind.MOBILE, "BE", None, ()),
        ("+32475123456", Kind.MOBILE, None, None, ()),
        ("32 475 123456", Kind.MOBILE, "BE", None, ()),
        ("0032 475 123456", Kind.MOBILE, "BE", Reason.ZERO_BEFORE, (Repair(ANNA, How.WITHOUT_ZERO),)),
        ("+32 (0)475 123456", Kind.MOBILE, None, Reason.ZERO_BEFORE, (Repair(ANNA, How.WITHOUT_ZERO),)),
        ("+320475123456", Kind.MOBILE, None, Reason.ZERO_BEFORE, (Repair(ANNA, How.WITHOUT_ZERO),)),
        ("0475 12 34 56", Kind.MOBILE, "BE", Reason.NOT_INTERNATIONAL, (Repair(ANNA, How.INTERNATIONAL_FORM),)),
        ("0475 12 34 56", Kind.MOBILE, None, Reason.MISSING_COUNTRY, ()),
        ("0475 12 34 56", Kind.MOBILE, "NL", Reason.LANDLINE, ()),
        ("02 555 12 12", Kind.WORK, "BE", Reason.LANDLINE, ()),
        ("+32 2 555 12 12", Kind.MOBILE, "BE", Reason.LANDLINE, ()),
        ("+32 800 12345", Kind.WORK, "BE", Reason.TOLL_FREE, ()),
        ("+32 475 12 34 56", Kind.WORK, "BE", Reason.NOT_MOBILE_KIND, (AS_MOBILE,)),
        ("+32 475 12 34 56", Kind.FAX, None, Reason.NOT_MOBILE_KIND, (AS_MOBILE,)),
        ("0475 12 34 56", Kind.HOME, "BE", Reason.NOT_INTERNATIONAL, (IN_FULL,)),
        ("+32 (0)475 123456", Kind.OTHER, None, Reason.ZERO_BEFORE, (Repair(ANNA, How.WITHOUT_ZERO, Kind.MOBILE),)),
        ("+32 475 123456 ext 3", Kind.WORK, None, Reason.EXTENSION, (SHORTER,)),
    ],
)
def test_a_contact_s_number_is_read_more_strictly(typed, kind, country, reason, repairs):
    reading = read_contact(typed, kind=kind, country=country)
    assert (reading.reason, reading.repairs) == (reason, repairs)
    assert reading.number == (None if reason else ANNA)


def test_a_contact_s_two_readings_are_asked():
    reading = read_contact("32 475 123456", kind=Kind.WORK, country="DE")
    assert reading.reason is Reason.AMBIGUOUS
    assert [(repair.number, repair.kind) for repair in reading.repairs] == [
        ("+32475123456", Kind.MOBILE),
        ("+4932475123456", Kind.MOBILE),
    ]


@settings(deadline=None)
@given(
    st.sampled_from(["0475 12 34 56", "0032 475 123456", "+32 (0)475 12 34 56", "+32475123456"]), st.sampled_from(Kind)
)
def test_a_cured_contact_can_be_ticked(typed, kind):
    for repair in read_contact(typed, kind=kind, country="BE").repairs:
        assert read_contact(repair.number, kind=repair.kind or kind, country="BE").ok


def test_a_refused_number_is_still_shown_for_what_it_is():
    reading = read("+3225551212", country=None)
    assert (reading.understood, reading.shown, reading.country) == ("+3225551212", "+32 2 555 12 12", "BE")
    assert (Reading("x").shown, Reading("x").country) == ("x", None)


def test_numbers_are_shown_grouped_with_their_country():
    assert (shown(ANNA), country_of(ANNA)) == ("+32 475 12 34 56", "BE")
    assert country_of("+14165550123") == "CA"
    assert country_of("+881612345678") is None


def test_what_no_database_stores_is_not_kept():
    assert read(" 32\x00475\ud83d123456\x9f ", country="BE").typed == "32475123456"
    assert read("+32\u00a0475 12 34 56 ", country="BE").typed == "+32\u00a0475 12 34 56"


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_has_a_sentence(reason):
    sentence = Reading("x", reason=reason).sentence
    assert sentence.endswith(".")
    assert "!" not in sentence


@pytest.mark.parametrize("how", How)
def test_every_repair_has_a_label(how):
    assert Repair(ANNA, how).label
    assert Repair(ANNA, how).shown == "+32 475 12 34 56"
    assert Repair(ANNA, how).country == "BE"


def test_a_correction_is_said_and_a_plain_reading_is_not():
    assert read("+32 (0)475 123456", country=None).sentence
    assert read("+32 475 123456", country=None).sentence == ""


def test_a_national_landline_of_a_contact_may_be_abroad():
    here = read_contact("0475 12 34 56", kind=Kind.MOBILE, country="NL").sentence
    there = read_contact("+31 475 123456", kind=Kind.MOBILE, country="NL").sentence
    assert here.startswith(there)
    assert len(here) > len(there)


def test_two_numbers_in_one_field_are_two_recipients():
    readings = read_many([entry.typed for entry in split_many("0475 123456, 0476 123456")], country="BE")
    assert [reading.number for reading in readings] == ["+32475123456", "+32476123456"]


# ── laws ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@settings(deadline=None)
@given(written | near_misses | anything | international, countries)
def test_whatever_is_typed_is_either_a_number_or_a_reason(typed, country):
    for reading in (read(typed, country=country), read_contact(typed, kind=Kind.WORK, country=country)):
        assert reading.ok == (reading.number is not None) == (reading.reason is None)
        assert reading.number is None or E164.fullmatch(reading.number)
        assert all(E164.fullmatch(repair.number) for repair in reading.repairs)
        assert reading.ok is False or not reading.repairs
        assert reading.typed.encode("utf-8").decode("utf-8") == reading.typed
        assert "\x00" not in reading.typed


@settings(deadline=None)
@given(international | written, countries, countries)
def test_what_is_shown_and_what_is_stored_read_back_as_the_same_number(typed, country, other):
    number = read(typed, country=country).number
    if number:
        assert read(number, country=other).number == number
        assert read(shown(number), country=other).number == number
        assert read_contact(number, kind=Kind.MOBILE, country=other).ok


@settings(deadline=None)
@given(written | near_misses, countries)
def test_what_a_repair_offers_can_be_sent_to_or_says_why_not(typed, country):
    for repair in read(typed, country=country).repairs:
        again = read(repair.number, country=country)
        assert again.reason == repair.refused


def naively(typed):
    """International forms, straight from the library."""
    try:
        parsed = phonenumbers.parse(typed)
    except phonenumbers.NumberParseException:
        return None
    e164 = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    mobile = (PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE)
    country = phonenumbers.region_code_for_number(parsed)
    if not phonenumbers.is_valid_number(parsed) or phonenumbers.number_type(parsed) not in mobile or country == "001":
        return None
    return None if e164.startswith(("+7954", "+861349", "+861740")) else e164


@settings(deadline=None)
@given(international, countries)
def test_international_forms_are_read_as_the_library_reads_them(typed, country):
    assert read(typed, country=country).number == naively(typed)


@settings(deadline=None)
@given(st.sampled_from(["1", "32", "31", "49", "33", "881", "7954"]), st.integers(0, 10**9))
def test_a_plain_number_is_read_as_the_same_with_a_space_in_it(code, rest):
    number = f"+{code}{rest:09}"
    spaced = read(f"{number[:4]} {number[4:]}", country="BE")
    assert read(number, country="BE") == replace(spaced, typed=number)


# ── time ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def _seconds(work):
    began = time.process_time()
    work()
    return time.process_time() - began


@pytest.mark.parametrize("typed", ["+324751{:05}", "0475 1{:05}", "32 475 1{:05}"])
def test_ten_thousand_numbers_are_read_at_once(typed):
    pasted = ", ".join(typed.format(n) for n in range(10_000))
    readings = []
    spent = _seconds(lambda: readings.extend(read_many([entry.typed for entry in split_many(pasted)], country="BE")))
    assert len({reading.number for reading in readings}) == 10_000
    assert spent < 0.5


def test_the_countries_of_many_are_those_of_each():
    kinds = (phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE)
    examples = (phonenumbers.example_number_for_type(region, kind)
                for region in phonenumbers.SUPPORTED_REGIONS for kind in kinds)  # fmt: skip
    numbers = [phonenumbers.format_number(each, phonenumbers.PhoneNumberFormat.E164) for each in examples if each]
    numbers += ["+447700900123", "+447911123456", "+12425551234", "+77011234567", "+881612345678"]
    assert countries_of(numbers) == [country_of(number) or "" for number in numbers]
    assert countries_of(reversed(numbers)) == [country_of(number) or "" for number in reversed(numbers)]
