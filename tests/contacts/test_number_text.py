"""The text of numbers: a paste apart, plain signs."""

import time
import unicodedata

import pytest
from hypothesis import example, given, settings

from contacts.number_text import clean, split_many
from tests.contacts.typed_numbers import anything, near_misses


@pytest.mark.row("S3")
@pytest.mark.parametrize(
    ("pasted", "entries"),
    [
        ("0475 123456, 0476 123456", [("", "0475 123456"), ("", "0476 123456")]),
        ("0475/12.34.56;0476/12.34.56", [("", "0475/12.34.56"), ("", "0476/12.34.56")]),
        ("a\r\nb\nc\td|e\u2028f，g、h", [("", letter) for letter in "abcdefgh"]),
        (" , ;;\n\n ,", []),
        ("", []),
        ('<>, < >\n"" <>; 0475', [("", "0475")]),
        ("Jan <>", [("Jan", "")]),
        ("+32 475 123456 +32 476 123456", [("", "+32 475 123456"), ("", "+32 476 123456")]),
        ("0475123456 0476123456", [("", "0475123456"), ("", "0476123456")]),
        ("32 475123456", [("", "32 475123456")]),
        ("GSM +32 475 123456", [("", "GSM +32 475 123456")]),
        ("Jan Peeters <+32475123456>", [("Jan Peeters", "+32475123456")]),
        ('"Peeters, Jan" <0475 12 34 56>; <0476 12 34 56>', [("Peeters, Jan", "0475 12 34 56"), ("", "0476 12 34 56")]),
        ('"0475 123456","0476 123456"', [("", "0475 123456"), ("", "0476 123456")]),
        ("'0475 123456'", [("", "0475 123456")]),
        ("tel:+32475123456;ext=3", [("", "tel:+32475123456;ext=3")]),
    ],
)
def test_a_paste_is_split_into_numbers(pasted, entries):
    assert split_many(pasted) == entries


@settings(deadline=None)
@given(anything | near_misses)
@example("\u2000１ ")
def test_cleaning_twice_changes_nothing(typed):
    cleaned = clean(typed)
    assert clean(cleaned) == cleaned
    assert not any(unicodedata.category(char) in ("Cf", "Nd") and not char.isascii() for char in cleaned)


@pytest.mark.parametrize("junk", ['"', '" ', " ", ";a", "; ", " +1", "1 ", "<", '"a<', "\n", "(0)", "\u00a0", "é"])
def test_a_megabyte_of_junk_is_split_in_linear_time(junk):
    pasted = junk * (1_000_000 // len(junk)) + ">"
    began = time.process_time()
    split_many(pasted)
    assert time.process_time() - began < 5
