"""The owner filters, found in the source: every condition that keeps a reader to what is his own.

A keyword such as `user=request.user` of a call that reads or picks rows is one; whoever writes a new view has it in
the list by that.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.chaos.sabotage.saboteur import PROJECT

APPS = ("office", "agenda", "messaging", "sms", "credit", "contacts")
KEYWORDS = {"user", "account__user", "message__user", "group__membership__user", "user_id"}
READS = {"filter", "get", "exclude", "get_object_or_404", "Q"}
WHO = {"user", "signed_in(request)", "user_of(request)"}


@dataclass(frozen=True)
class Owner:
    """One condition: where it stands, and the call with and without it."""

    path: str
    line: int
    at: int
    old: str
    new: str


def owners() -> Iterator[Owner]:
    """Yield the owner filters of all apps, in the order of the files."""
    for app in APPS:
        for path in sorted((PROJECT / app).rglob("*.py")):
            if "migrations" not in path.parts and "management" not in path.parts:
                yield from _of(path)


def _of(path: Path) -> Iterator[Owner]:
    source = path.read_text()
    starts = [0]
    for line in source.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    for call in ast.walk(ast.parse(source)):
        if isinstance(call, ast.Call) and ast.unparse(call.func).rsplit(".", 1)[-1] in READS:
            for keyword in call.keywords:
                if keyword.arg in KEYWORDS and ast.unparse(keyword.value) in WHO:
                    old = ast.get_source_segment(source, call)
                    if old and old.isascii():
                        at = starts[call.lineno - 1] + call.col_offset
                        yield Owner(str(path.relative_to(PROJECT)), call.lineno, at, old, _without(call, keyword, old))


def _without(call: ast.Call, keyword: ast.keyword, old: str) -> str:
    """Return the call without the condition; the rest as it was written, on as many lines."""
    kept = ast.parse(old, mode="eval").body
    assert isinstance(kept, ast.Call)
    kept.keywords = [each for each in kept.keywords if each.arg != keyword.arg]
    return ast.unparse(kept) + "\\\n" * old.count("\n")
