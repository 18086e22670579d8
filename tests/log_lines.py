"""What was logged, as an operator's collector reads it, and what must never stand in it (FAULTS S1)."""

import io
import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest

from office import logs

Lines = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[Lines]:
    """Return a function that gives what was logged so far, one dictionary a line."""
    said = io.StringIO()
    monkeypatch.setattr("sys.stderr", said)
    logs.configure()
    yield lambda: [json.loads(line) for line in said.getvalue().splitlines()]
    monkeypatch.undo()
    logs.configure()


def found_in(lines: Iterable[dict[str, Any]], canaries: Iterable[str]) -> list[str]:
    """Return those of `canaries` that stand in the lines, in any case of letters."""
    text = json.dumps(list(lines), ensure_ascii=False).casefold()
    return [canary for canary in canaries if canary.casefold() in text]
