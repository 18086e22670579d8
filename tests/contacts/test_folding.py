"""What a search compares: names without case and accents, any part of a number written in any way."""

import pytest

from contacts.folding import fold, searchable, wanted

JAN = searchable(["Jan Peeters", "Bakkerij Ünal", "jan@example.org"], numbers=[("0475/12 34 56", "+32475123456")])


def found(query: str, text: str = JAN) -> bool:
    return all(any(spelling in text for spelling in spellings) for spellings in wanted(query))


@pytest.mark.parametrize(
    ("text", "folded"),
    [("  Zoé  DUBOIS ", "zoe dubois"), ("Straße", "strasse"), ("Ünal\u00a0Çelik", "unal celik"), ("", "")],
)
def test_case_accents_and_blanks_do_not_count(text: str, folded: str) -> None:
    assert fold(text) == folded


@pytest.mark.row("S17")
@pytest.mark.parametrize(
    "query",
    [
        *("jan", "PEETERS", "peet", "jan peet", "peeters jan", "bakkerij", "unal", "ünal", "jan@ex", ""),
        *("0475 12 34 56", "0475/12.34.56", "+32 475 12 34 56", "0032475123456", "+32 (0)475 12 34 56", "32 475"),
        *("3456", "12 34", "475-12", "jan 0475", "0475 peeters", "\uff10\uff14\uff17\uff15"),
    ],
)
def test_what_people_type_finds_him(query: str) -> None:
    assert found(query)


@pytest.mark.parametrize("query", ["janet", "0476", "peeters 999", "jan dubois", "475 12 34 57"])
def test_what_he_is_not_does_not(query: str) -> None:
    assert not found(query)


def test_a_number_in_a_name_is_found_by_its_digits_as_typed() -> None:
    assert found("2026-11", searchable(["Feest 2026-11"], numbers=[]))
    assert found("route 66", searchable(["Route 66"], numbers=[]))


def test_the_end_of_one_word_and_the_beginning_of_the_next_number_are_not_one() -> None:
    assert not found("4561", searchable([], numbers=[("+32475123456", "+32475123456"), ("123", "")]))


def test_zeros_alone_look_for_a_zero_and_a_flood_of_words_is_cut() -> None:
    assert wanted("000") == [("0", "000")]
    assert len(wanted("a b c d e f g h i j k l")) == 8
