"""Money and numbers as a reader of each language writes them."""

import re

import pytest
from django.utils import translation

from contacts.templatetags.figures import flag, grouped, money, phone, signed, signed_money


@pytest.mark.parametrize(
    ("language", "units", "written"),
    [
        ("nl", 50_000, "€ 5,00"),
        ("fr", 50_000, "5,00 €"),
        ("en", 50_000, "€5.00"),
        ("en", 950, "€0.095"),
        ("en", 1, "€0.0001"),
        ("en", 4_750, "€0.475"),
        ("nl", 12_345_678, "€ 1.234,5678"),
        ("en", 0, "€0.00"),
    ],
)
def test_money_by_locale_with_two_to_four_decimals(language, units, written):
    with translation.override(language):
        assert money(units).replace("\N{NO-BREAK SPACE}", " ") == written


def test_a_movement_bears_its_sign():
    with translation.override("en"):
        assert (signed(30), signed(-2), signed(0)) == ("+30", "−2", "0")
        assert (signed_money(950), signed_money(-950)) == ("+€0.095", "−€0.095")


def test_numbers_are_grouped_as_in_their_country_and_what_is_none_stays():
    assert phone("+32475123456") == "+32 475 12 34 56"
    assert phone("+33612345678") == "+33 6 12 34 56 78"
    assert phone("Office") == "Office"


def test_a_flag_only_for_a_country():
    assert flag("be") == "🇧🇪"
    assert flag("B1") == flag("BEL") == flag("") == ""


@pytest.mark.parametrize(("language", "written"), [("en", "1,000,000"), ("nl", "1.000.000"), ("fr", "1 000 000")])
def test_large_numbers_are_grouped_by_locale(language, written):
    with translation.override(language):
        assert re.sub(r"\s", " ", grouped(1_000_000)) == written
        assert grouped(100) == "100"
