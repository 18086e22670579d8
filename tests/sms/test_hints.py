"""What the form points out before Send."""

from datetime import UTC, datetime

import pytest

from sms.hints import CostlyWord, asks_without_address, costly_words, nights

AFTERNOON = datetime(2026, 11, 23, 16, 0, tzinfo=UTC)
BELGIUM, JAPAN, AUSTRALIA = "+32475123456", "+819012345678", "+61412345678"


@pytest.mark.row("N7")
@pytest.mark.parametrize(
    ("text", "asks"),
    [
        ("Are you coming?", True),
        ("Kom je", False),
        ("Coming? 0475/12.34.56", False),
        ("Coming? anna@office.example", False),
        ("Coming at 20:30?", True),
        ("Room 12 or 14?", True),
        ("", False),
    ],
)
def test_a_question_without_an_address(text: str, asks: bool) -> None:
    assert asks_without_address(text) is asks


@pytest.mark.row("N8")
def test_a_costly_character_stands_in_its_word_with_what_replaces_it() -> None:
    assert costly_words("La fenêtre, et la fête 😀") == [
        CostlyWord("fen", "ê", "tre,", "e"),
        CostlyWord("", "😀", "", None),
    ]
    assert costly_words("Nothing of the kind") == []


@pytest.mark.row("N14")
def test_a_night_is_named_where_all_clocks_there_have_it() -> None:
    [night] = nights([BELGIUM, JAPAN, "+819012345679"], at=AFTERNOON, zone="Europe/Brussels")
    assert (night.numbers, night.number, night.clock) == (2, JAPAN, "01:00")


@pytest.mark.row("N14")
def test_a_country_of_several_zones_is_named_with_its_first_and_last_clock() -> None:
    [night] = nights([AUSTRALIA], at=AFTERNOON, zone="Europe/Brussels")
    assert night.clock == "22:30–03:00"


@pytest.mark.row("N14")
def test_nothing_is_said_by_day_or_of_ones_own_night() -> None:
    assert nights([JAPAN], at=datetime(2026, 11, 23, 3, 0, tzinfo=UTC), zone="Europe/Brussels") == []
    assert nights([BELGIUM], at=datetime(2026, 11, 23, 1, 0, tzinfo=UTC), zone="Europe/Paris") == []
