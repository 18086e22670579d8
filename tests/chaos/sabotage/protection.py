"""What one line of the list is."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Protection:
    """One protection: its name, what the saboteur does, and the tests that must notice (runner.py reads them)."""

    name: str
    damage: dict[str, Any]
    tests: tuple[str, ...]


def cut(name: str, path: str, old: str, new: str, *tests: str, within: str = "") -> Protection:
    """Take away what stands once in the module `path`, or once in its function `within`."""
    place = {"in": within} if within else {}
    return Protection(name, {"path": path, "old": old, "new": new} | place, tests)
