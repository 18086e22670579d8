"""Nothing that the content security policy would have to allow: no inline script or style, no other host."""

import re
from pathlib import Path

import pytest

from tests.servers import PROJECT

FOLDERS = ("templates", "office", "agenda", "messaging", "sms", "credit", "contacts")
TEMPLATES = [path for folder in FOLDERS for path in (PROJECT / folder).rglob("*.html")]
SCRIPTS = [path for folder in FOLDERS for path in (PROJECT / folder).rglob("*.js")]
STYLES = [path for folder in FOLDERS for path in (PROJECT / folder).rglob("*.css")]

INLINE = {
    "a script without a file": r"<script\b(?![^>]*\b(?:src=|type=\"application/json\"))",
    "a style element": r"<style\b",
    "a style attribute": r"\sstyle\s*=",
    "an event attribute": r"<[^>]*\son[a-z]+\s*=",
    "a script in htmx": r"\shx-on\b|js:|javascript:",
    "another host": r"\b(?:src|href|action|srcset)\s*=\s*[\"']?(?:https?:)?//",
}


def named(path: Path) -> str:
    return str(path.relative_to(PROJECT))


@pytest.mark.parametrize("path", TEMPLATES, ids=named)
def test_a_template_is_clean(path: Path) -> None:
    text = re.sub(r"{%\s*comment.*?endcomment\s*%}|{#.*?#}", "", path.read_text(), flags=re.DOTALL)
    assert {what: found.group() for what, pattern in INLINE.items() if (found := re.search(pattern, text))} == {}


@pytest.mark.parametrize("path", SCRIPTS, ids=named)
def test_a_script_makes_no_script_and_asks_nobody_else(path: Path) -> None:
    assert (
        re.search(r"\beval\(|new Function\(|document\.write|[\"'`]https?://|setTimeout\([\"'`]", path.read_text())
        is None
    )


@pytest.mark.parametrize("path", STYLES, ids=named)
def test_a_style_sheet_asks_nobody_else(path: Path) -> None:
    assert re.search(r"@import|url\(\s*[\"']?(?:https?:)?//", path.read_text()) is None


@pytest.mark.parametrize(
    ("what", "text"),
    [
        ("a script without a file", "<script>alert(1)</script>"),
        ("a style element", "<style>"),
        ("a style attribute", '<p style="color: red">'),
        ("an event attribute", '<button type="button" onclick="x()">'),
        ("a script in htmx", '<a href="javascript:x()">'),
        ("another host", '<img src="//elsewhere.example/x.png">'),
    ],
)
def test_the_patterns_see_what_they_are_for(what: str, text: str) -> None:
    assert re.search(INLINE[what], text)
