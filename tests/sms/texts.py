"""Texts for the tests of parts: the rows of ACCEPTANCE.md, and random ones that crowd round the borders."""

import json
from pathlib import Path

from hypothesis import strategies as st

ROWS = json.loads(Path(__file__).with_name("parts_vectors.json").read_text(encoding="utf-8"))


def text_of(row: dict[str, list[tuple[str, int]]]) -> str:
    return "".join(piece * times for piece, times in row["text"])


_LETTERS = st.sampled_from("aZ09 \n@éÇΩ")
_TWO_SEPTETS = st.sampled_from("€[]{}\\^~|\f")
_COSTLY = st.sampled_from("êçëœ`’“…–\u00a0ĳﬁ①½жΑ中☎\u0301\u0327\ufe0f\u200d\u200fế")
_ASTRAL = st.sampled_from("😀👍🏽𝟎𐍈")
_DIRT = st.sampled_from(
    ["\r\n", "\r", "\t", "\v", "\x00", "\x1b", "\x7f", "\x85", "\u2028", "\ufeff", "\ud83d", "\ude00"]
)
_ANYTHING = st.characters(exclude_categories=())


def _runs(characters: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    run = st.builds(lambda character, times: character * times, characters, st.integers(1, 90))
    return st.lists(run, max_size=8).map("".join)


gsm7_texts = _runs(_LETTERS | _TWO_SEPTETS)
clean_texts = _runs(_LETTERS | _TWO_SEPTETS | _COSTLY | _ASTRAL)
any_texts = gsm7_texts | _runs(_LETTERS | _COSTLY | _ASTRAL | _DIRT | _ANYTHING) | st.text(_ANYTHING)
