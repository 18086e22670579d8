"""The browser's counter is the server's: sms/static/sms/parts.js in a real Chromium against sms/parts.py."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sms import parts
from tests.sms.texts import ROWS, any_texts, text_of

MODULE = Path(parts.__file__).parent / "static" / "sms" / "parts.js"

# Texts cross as UTF-16 code units: a half surrogate pair does not survive JSON between the processes.
JUDGE = """
([texts]) => texts.map((units) => {
    const m = window.parts, written = (text) => Array.from({length: text.length}, (_, at) => text.charCodeAt(at));
    const text = units.map((unit) => String.fromCharCode(unit)).join("");
    const { encoding, slices, count, used, limit, left } = m.split(text);
    return {
        encoding, count, used, limit, left, slices: slices.map(written), clean: written(m.clean(text)),
        costly: m.costly(text).map((each) => [
            written(each.text), each.positions, each.plain === null ? null : written(each.plain)]),
        plain: written(m.plain(text)), saving: m.saving(text), tooLong: m.tooLong(text),
    };
})
"""

OUTLINES = """
([codes, accent]) => codes.map((code) => {
    const m = window.parts, text = String.fromCodePoint(code) + accent, cut = m.split(text);
    return `${cut.encoding} ${cut.used} ${m.costly(text).length} ${m.plain(text)}`;
})
"""

Judge = Callable[[list[str]], list[dict[str, Any]]]


@pytest.fixture
def browser_page(browser: Any) -> Iterator[Any]:
    """A blank page that has the module under the name `parts`."""
    page = browser.new_page()
    page.evaluate(
        "async (source) => { window.parts = await import('data:text/javascript,' + encodeURIComponent(source)) }",
        MODULE.read_text(encoding="utf-8"),
    )
    yield page
    page.close()


@pytest.fixture
def in_browser(browser_page: Any) -> Judge:
    return lambda texts: browser_page.evaluate(JUDGE, [[code_units(text) for text in texts]])


def code_units(text: str) -> list[int]:
    octets = text.encode("utf-16-le", "surrogatepass")
    return [octets[at] | octets[at + 1] << 8 for at in range(0, len(octets), 2)]


def on_server(text: str) -> dict[str, Any]:
    cut = parts.split(text)
    return {
        "encoding": str(cut.encoding),
        "count": cut.count,
        "used": cut.used,
        "limit": cut.limit,
        "left": cut.left,
        "slices": [code_units(piece) for piece in cut.slices],
        "clean": code_units(parts.clean(text)),
        "costly": [
            [code_units(each.text), list(each.positions), None if each.plain is None else code_units(each.plain)]
            for each in parts.costly(text)
        ],
        "plain": code_units(parts.plain(text)),
        "saving": parts.saving(text),
        "tooLong": cut.count > parts.MAX_PARTS,
    }


def test_rows_of_acceptance(in_browser: Judge) -> None:
    found = in_browser([text_of(row) for row in ROWS])
    assert [(each["encoding"], each["count"]) for each in found] == [(row["encoding"], row["count"]) for row in ROWS]
    assert found == [on_server(text_of(row)) for row in ROWS]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=st.lists(any_texts, max_size=20))
def test_any_text(in_browser: Judge, texts: list[str]) -> None:
    assert in_browser(texts) == [on_server(text) for text in texts]


def test_every_character_alone_and_with_a_loose_accent(browser_page: Any) -> None:
    """Each of the basic plane, and one in 101 beyond it: how it counts, and its plain form."""
    codes = [code for code in [*range(0x10000), *range(0x10000, 0x110000, 101)] if not 0xD800 <= code <= 0xDFFF]
    for accent in ("", "\u0301"):
        found = browser_page.evaluate(OUTLINES, [codes, accent])
        ours = [outline(chr(code) + accent) for code in codes]
        assert [hex(code) for code, theirs, our in zip(codes, found, ours, strict=True) if theirs != our] == []


def outline(text: str) -> str:
    cut = parts.split(text)
    return f"{cut.encoding} {cut.used} {len(parts.costly(text))} {parts.plain(text)}"
