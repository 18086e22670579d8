"""The short cut to what libphonenumber says is the same word."""

import phonenumbers
from hypothesis import given, settings
from hypothesis import strategies as st

from contacts.number_plans import has_national_reading, known, known_to_library
from tests.contacts.typed_numbers import countries, international


@settings(deadline=None)
@given(international)
def test_the_short_cut_abroad_agrees_with_the_library(typed):
    assert known(typed) == known_to_library(typed)


@settings(deadline=None)
@given(countries.filter(bool), international, st.sampled_from(["", "0", "00", "8", "1", "011"]))
def test_the_short_cut_at_home_agrees_with_the_library(own, number, prefix):
    national = number.removeprefix(f"+{phonenumbers.country_code_for_region(own)}").removeprefix("+")
    for dialled in (prefix + national, prefix + number[1:]):
        home = known(dialled, own=own)
        assert home == known_to_library(dialled, own=own)
        if not has_national_reading(dialled, own=own):
            assert home in (None, known_to_library("+" + dialled))
