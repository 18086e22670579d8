"""The parts of a text: every row of ACCEPTANCE.md "Parts", the laws, and smsutil as a second opinion."""

import pytest
import smsutil
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from sms.parts import MAX_PARTS, Costly, Encoding, TooLong, clean, costly, plain, saving, split, within_limit
from tests.sms.texts import ROWS, any_texts, clean_texts, gsm7_texts, text_of

EXTENSION = "\f^{}\\[~]|€"


def units(text: str, encoding: Encoding) -> int:
    if encoding is Encoding.UCS2:
        return sum(2 if ord(char) > 0xFFFF else 1 for char in text)
    return sum(2 if char in EXTENSION else 1 for char in text)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["name"])
def test_rows_of_acceptance(row):
    parts = split(text_of(row))
    assert (parts.encoding, parts.count) == (row["encoding"], row["count"])


@pytest.mark.parametrize("char", EXTENSION)
def test_extension_characters_count_two(char):
    assert split(char).used == 2
    assert split("a" * 158 + char).count == 1
    assert split("a" * 159 + char).count == 2


def test_the_alphabet_has_126_characters_that_count_one():
    """128 places of the default alphabet, less the escape; CR is counted as LF."""
    alone = [chr(code) for code in range(0x10000) if not 0xD800 <= code <= 0xDFFF]
    ones = {char for char in alone if clean(char) == char and split(char).encoding == "gsm7" and split(char).used == 1}
    assert len(ones) == 126
    assert {char.encode("gsm0338") for char in ones} == {bytes([n]) for n in range(128)} - {b"\x0d", b"\x1b"}


def test_what_is_left_in_the_last_part():
    assert split("").left == 160
    assert split("a" * 142).left == 18
    assert split("a" * 161).left == 145
    assert split("ж" * 71).left == 63
    assert split("a" * 152 + "€").left == 6
    assert split("a" * 152 + "€" * 5).left == 143


def test_a_pair_on_the_border_goes_to_the_next_part_whole():
    assert split("a" * 152 + "€" + "b" * 20).slices == ("a" * 152, "€" + "b" * 20)
    assert split("ж" * 66 + "😀" + "ж" * 20).slices == ("ж" * 66, "😀" + "ж" * 20)


@settings(deadline=None)
@given(any_texts)
def test_slices_give_the_clean_text_and_fit(text):
    parts = split(text)
    assert "".join(parts.slices) == clean(text)
    assert all(0 < units(piece, parts.encoding) <= parts.limit for piece in parts.slices)
    assert parts.used == units(clean(text), parts.encoding)
    assert parts.left == parts.limit - units(parts.slices[-1] if parts.slices else "", parts.encoding)


@settings(deadline=None)
@given(any_texts)
def test_limits_are_those_of_the_encoding_and_of_joining(text):
    parts = split(text)
    lone, joined = (160, 153) if parts.encoding is Encoding.GSM7 else (70, 67)
    assert parts.limit == (lone if parts.used <= lone else joined)
    assert (parts.count > 1) == (parts.used > lone)


@settings(deadline=None)
@given(any_texts)
def test_no_part_could_hold_the_next_character_too(text):
    """Each part is full: any other cut takes as many parts or more, as a later start never helps."""
    parts = split(text)
    for piece, following in zip(parts.slices, parts.slices[1:], strict=False):
        assert units(piece + following[0], parts.encoding) > parts.limit


@settings(deadline=None)
@given(any_texts)
def test_slices_survive_the_wire(text):
    """No half pair: every slice is encoded and read back alone."""
    parts = split(text)
    codec = "gsm0338" if parts.encoding is Encoding.GSM7 else "utf-16-be"
    assert [piece.encode(codec).decode(codec) for piece in parts.slices] == list(parts.slices)


@settings(deadline=None)
@given(clean_texts | gsm7_texts | st.text())
def test_smsutil_agrees(text):
    """smsutil 1.1 counts no text as one part in UCS-2, and CR and ESC as letters: those are left out here."""
    text = clean(text)
    assume(text)
    theirs = smsutil.split(text)
    assert split(text).slices == tuple(part.content for part in theirs.parts)
    assert split(text).encoding == {"gsm0338": "gsm7", "utf_16_be": "ucs2"}[theirs.encoding]


@settings(deadline=None)
@given(any_texts)
def test_cleaning_twice_changes_nothing_and_leaves_what_can_be_stored(text):
    cleaned = clean(text)
    assert clean(cleaned) == cleaned
    assert cleaned.encode("utf-8").decode("utf-8") == cleaned
    assert not set(cleaned) & {"\x00", "\x1b", "\r", "\t"}


def test_cleaning_keeps_what_people_wrote():
    assert clean("één\r\ntwee\rdrie\tvier\u2028vijf") == "één\ntwee\ndrie vier\nvijf"
    assert clean("a\x00b\x1bc\x7fd\x9fe\ud83df") == "abcdef"
    assert clean("\ud83d\ude00") == "😀"
    assert clean("\ufeffa\ufeff") == "a"
    assert clean("\u200fשלום\u202c 👩‍👩‍👧") == "\u200fשלום\u202c 👩‍👩‍👧"


@settings(deadline=None)
@given(st.lists(st.builds(str.__mul__, st.sampled_from([*"€[ж😀a"]), st.integers(300, 900)), min_size=2, max_size=5))
def test_past_ten_parts_is_refused_with_the_length(runs):
    text = "".join(runs)
    parts = split(text)
    assume(parts.count > MAX_PARTS)
    with pytest.raises(TooLong) as refused:
        within_limit(text)
    assert (refused.value.parts, refused.value.length) == (parts.count, parts.used)
    assert refused.value.most == 10 * parts.limit


def test_ten_parts_are_not_refused():
    assert within_limit("a" * 1530).count == 10
    with pytest.raises(TooLong) as refused:
        within_limit("a" * 1531)
    assert (refused.value.length, refused.value.most) == (1531, 1530)


PLAIN_FORMS = """
    ê=e ë=e ç=c â=a î=i ô=o û=u ï=i ÿ=y œ=oe Œ=OE ế=e ł=l đ=d ı=i ĳ=ij ﬁ=fi ŉ='n
    ’=' ‘=' `=' ´=' “=" ”=" „=" «=" »=" –=- —=- −=- •=- …=... ·=. ×=x ™=TM ！=! →=->
"""
UNSEEN = {"\u00a0": " ", "\u202f": " ", "\u200b": "", "\u00ad": "", "e\u0301": "é", "c\u0327": "c", "\u212b": "Å"}


@pytest.mark.row("N8")
@pytest.mark.parametrize(("dear", "instead"), [*(pair.split("=") for pair in PLAIN_FORMS.split()), *UNSEEN.items()])
def test_plain_forms(dear, instead):
    assert costly(dear) == (Costly(dear, (0,), instead),)
    assert plain(f"a{dear}b{dear}c") == f"a{instead}b{instead}c"


def test_a_loose_accent_goes_with_its_letter():
    assert costly("e\u0301e\u0301 \u0301") == (Costly("e\u0301", (0, 2), "é"), Costly("\u0301", (5,), ""))
    assert plain("e\u0301e\u0302 \u0301") == "ée "


@pytest.mark.parametrize("char", "😀жя中½²①°≠\u200d\u200f☎")
def test_what_has_no_plain_form_stays(char):
    """A fraction or a superscript would say something else in plain digits: 1½ is not 11/2."""
    assert costly(char) == (Costly(char, (0,), None),)
    assert plain(char) == char
    assert saving(char * 200) == 0


@pytest.mark.row("N8")
def test_costly_characters_are_named_once_each_with_all_their_places():
    assert costly("crème brûlée, ça va? û") == (
        Costly("û", (8, 21), "u"),
        Costly("ç", (14,), "c"),
    )


def test_places_are_those_of_the_clean_text():
    assert costly("\r\n\x00😀ê") == (Costly("😀", (1,), None), Costly("ê", (2,), "e"))


@pytest.mark.row("N8")
def test_extension_characters_are_named_only_where_they_cost_a_part():
    assert costly("[€]") == ()
    assert costly("a" * 156 + "[]") == ()
    assert costly("a" * 157 + "[]") == (Costly("[", (157,), "("), Costly("]", (158,), ")"))
    assert plain("a" * 157 + "[]") == "a" * 157 + "()"
    assert saving("a" * 157 + "[]") == 1
    assert costly("a" * 159 + "€") == (Costly("€", (159,), None),)


@pytest.mark.row("N8")
def test_saving():
    assert saving("a" * 159 + "ê") == 2
    assert saving("ê") == 0
    assert saving("a" * 159 + "ê😀") == 0
    assert saving("…" * 60) == 0, "three dots each are dearer than they were"


@settings(deadline=None)
@given(any_texts)
def test_plain_never_makes_a_text_dearer_than_saving_says(text):
    before, after = split(text).count, split(plain(text)).count
    assert saving(text) == max(0, before - after)


@settings(deadline=None)
@given(any_texts)
def test_costly_places_hold_the_character_that_they_name(text):
    cleaned = clean(text)
    for found in costly(text):
        assert all(cleaned[place : place + len(found.text)] == found.text for place in found.positions)
        assert found.plain is None or split(found.plain).encoding == Encoding.GSM7


@settings(deadline=None)
@given(any_texts)
def test_a_text_is_ucs2_exactly_when_the_costly_ones_are_outside_the_alphabet(text):
    outside = [found for found in costly(text) if split(found.text).encoding == Encoding.UCS2]
    assert bool(outside) == (split(text).encoding == Encoding.UCS2)
    if outside and all(found.plain is not None for found in outside):
        assert split(plain(text)).encoding == Encoding.GSM7
