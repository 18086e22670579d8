"""SQLite in memory under Django's connection: each history in one transaction that is rolled back in the end.

The product's own transactions become savepoints in it, so a history begins from the same rows and the same ids every
time, and costs no migration. Only one actor can be in a transaction at once, as on SQLite itself (BEGIN IMMEDIATE).
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.db import connection, connections

from office import environment

BEFORE, OUTER = "history", "product"
URL = "sqlite:///:memory:"


class Store:
    """The connection, and hooks for the scheduler: before each statement, and after each commit."""

    def __init__(self) -> None:
        self.wrapper = connections["default"]
        self.raw: sqlite3.Connection = self.wrapper.connection
        self.before_statement: Callable[[], None] = lambda: None
        self.after_commit: Callable[[], None] = lambda: None
        self._inside = False
        self._put_in_place()

    @property
    def in_transaction(self) -> bool:
        """Whether the actor at work is in a transaction: nobody else can be at work then."""
        return bool(self.wrapper.in_atomic_block)

    @contextmanager
    def undone(self) -> Iterator[None]:
        """Undo everything that is written in this block; it may stand inside another one."""
        self.raw.execute(f"SAVEPOINT {BEFORE}")
        try:
            yield
        finally:
            self.wrapper.run_on_commit = []
            self.raw.execute(f"ROLLBACK TO {BEFORE}")
            self.raw.execute(f"RELEASE {BEFORE}")

    def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """Read past Django, the scheduler and its faults."""
        return self.raw.execute(sql, values).fetchall()

    def _put_in_place(self) -> None:
        wrapper: Any = self.wrapper
        wrapper._start_transaction_under_autocommit = self._begin
        wrapper._commit = self._commit
        wrapper._rollback = self._rollback
        wrapper._set_autocommit = lambda _autocommit: None  # setting isolation_level would commit the history
        wrapper.execute_wrappers.append(self._execute)

    def _begin(self) -> None:
        self.before_statement()
        self.raw.execute(f"SAVEPOINT {OUTER}")
        self._inside = True

    def _commit(self) -> None:
        self.raw.execute(f"RELEASE {OUTER}")
        self._inside = False
        self.after_commit()

    def _rollback(self) -> None:
        if self._inside:
            self.raw.execute(f"ROLLBACK TO {OUTER}")
            self.raw.execute(f"RELEASE {OUTER}")
            self._inside = False

    def _execute(self, execute: Any, sql: str, values: Any, many: bool, context: Any) -> Any:
        self.before_statement()
        return execute(sql, values, many, context)


@contextmanager
def opened(template: Path | None = None) -> Iterator[Store]:
    """Make a database in memory Django's own for this block: migrated, or copied from a migrated file."""
    settings, before = connections.settings["default"], connections["default"]
    connections.settings.update(connections.configure_settings({"default": environment.database(URL)}))
    del connections["default"]
    try:
        connection.ensure_connection()
        _fill(template)
        yield Store()
    finally:
        connections["default"].connection.close()
        connections.settings["default"] = settings
        connections["default"] = before


def _fill(template: Path | None) -> None:
    if template is None:
        call_command("migrate", verbosity=0)
        return
    source = sqlite3.connect(template)
    try:
        source.backup(connection.connection)
    finally:
        source.close()
