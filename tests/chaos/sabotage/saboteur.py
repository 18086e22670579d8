"""Does the damage in a process that is about to start: in memory only, no file is changed.

SABOTAGE says what, as JSON: {"path", "old", "new"} changes the source of one module as it is imported,
{"constraint"} leaves a constraint of that name out of every table that is made.
"""

import json
import os
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType
from typing import Any

PROJECT = Path(__file__).resolve().parents[3]
VARIABLE = "SABOTAGE"


class NotThere(Exception):
    """The source is not as the list says: it was changed, and the list was not."""


def begin() -> None:
    """Do what the environment asks, if anything."""
    asked = json.loads(os.environ.get(VARIABLE, "{}"))
    if "path" in asked:
        _change_source(asked)
    if "constraint" in asked:
        _leave_out(asked["constraint"])


def changed(source: str, damage: dict[str, Any]) -> str:
    """Return the source with `old` as `new`: at the offset `at`, or where it stands once, in the function `in`."""
    old, new, begin, end = damage["old"], damage["new"], damage.get("at", 0), len(source)
    if "at" in damage:
        end = begin + len(old)
    if "in" in damage:
        begin, end = _place(source, damage["in"])
    if source.count(old, begin, end) != 1:
        raise NotThere(f"{source.count(old, begin, end)} times: {old}")
    return source[:begin] + source[begin:end].replace(old, new) + source[end:]


def _place(source: str, function: str) -> tuple[int, int]:
    begin = source.index(f"\ndef {function}(")
    end = source.find("\ndef ", begin + 1)
    return begin, end if end > 0 else len(source)


def _change_source(asked: dict[str, Any]) -> None:
    target = str(PROJECT / asked["path"])
    normal = SourceFileLoader.get_code

    def get_code(self: SourceFileLoader, fullname: str) -> CodeType | None:
        if self.path != target:
            return normal(self, fullname)
        return compile(changed(Path(target).read_text(), asked), target, "exec", dont_inherit=True)

    SourceFileLoader.get_code = get_code  # type: ignore[method-assign]


def _leave_out(name: str) -> None:
    from django.db.models import CheckConstraint, UniqueConstraint

    for kind in (CheckConstraint, UniqueConstraint):
        for method in ("constraint_sql", "create_sql"):
            setattr(kind, method, _unless(name, getattr(kind, method)))


def _unless(name: str, normal: Any) -> Any:
    def sql(self: Any, *args: Any) -> Any:
        return None if self.name == name else normal(self, *args)

    return sql
