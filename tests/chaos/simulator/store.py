"""SQLite in memory under Django's connection: each history in one transaction that is rolled back in the end.

The product's own transactions become savepoints in it, so a history begins from the same rows and the same ids every
time, and costs no migration. Only one actor can be in a transaction at once, as on SQLite itself (BEGIN IMMEDIATE).
"""

import re
import sqlite3
from asyncio import events
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache, partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

from django.core.exceptions import SynchronousOnlyOperation
from django.core.management import call_command
from django.db import connection, connections, transaction

from office import environment

BEFORE, OUTER = "history", "product"
URL = "sqlite:///:memory:"
_PLACEHOLDER = re.compile(r"(?<!%)%s")
STATEMENTS_KEPT = 2_000  # compiled ones; sqlite3 keeps 128 of its own accord


class Cursor:
    """What `connection.cursor()` gives in the simulator: SQLite's own cursor, and the scheduler before each statement.

    Django's layers (debugging, wrappers, a class that translates placeholders anew each time) cost more than SQLite.
    """

    __slots__ = ("_cursor", "_store")

    def __init__(self, store: "Store") -> None:
        self._store = store
        self._cursor: Any = None

    def execute(self, sql: str, values: Any = None) -> "Cursor":
        """Execute one statement, at which an actor may be switched, die, or find the database away."""
        store = self._store
        if events._get_running_loop() is not None:
            raise SynchronousOnlyOperation("the database is asked inside a running event loop")
        store.before_statement()
        store.wrapper.validate_no_broken_transaction()
        try:
            if values is None:
                self._cursor = store.raw.execute(store.rewrite(sql))
            else:
                self._cursor = store.raw.execute(store.texts.get(sql) or store.text(sql), values)
        except sqlite3.Error:
            with store.wrapper.wrap_database_errors:
                raise
        return self

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cursor, name)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._cursor)

    def __enter__(self) -> "Cursor":
        return self

    def __exit__(self, *_raised: object) -> None: ...

    def fetchall(self) -> list[Any]:
        """Return all rows that are left."""
        rows: list[Any] = self._cursor.fetchall()
        return rows

    def fetchone(self) -> Any:
        """Return the next row, or None."""
        return self._cursor.fetchone()

    def close(self) -> None:
        """Do what a caller of Django's cursor may ask for; SQLite's is closed when nobody holds it."""


class Store:
    """The connection, and hooks for the scheduler: before each statement, and after each commit."""

    def __init__(self) -> None:
        self.wrapper = connections["default"]
        self.raw: sqlite3.Connection = self.wrapper.connection
        self.before_statement: Callable[[], None] = lambda: None
        self.after_commit: Callable[[], None] = lambda: None
        self.rewrite: Callable[[str], str] = str
        self.texts: dict[str, str] = {}
        self._inside = False
        self._put_in_place()

    def text(self, sql: str) -> str:
        """Return the SQL as SQLite wants it, its placeholders translated; looked up from the second time on."""
        self.texts[sql] = text = _PLACEHOLDER.sub("?", self.rewrite(sql)).replace("%%", "%")
        return text

    @contextmanager
    def rewriting(self, rewrite: Callable[[str], str]) -> Iterator[None]:
        """Have each statement pass through `rewrite` in this block."""
        self.rewrite, self.texts = rewrite, {}
        try:
            yield
        finally:
            self.rewrite, self.texts = str, {}

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
        wrapper.set_autocommit = self._set_autocommit
        wrapper.commit = self._commit
        wrapper._rollback = self._rollback
        wrapper.cursor = partial(Cursor, self)
        wrapper.validate_thread_sharing = lambda: None
        wrapper.ops.adapt_datetimefield_value = lru_cache(10_000)(wrapper.ops.adapt_datetimefield_value)

    def _set_autocommit(self, autocommit: bool, **_more: bool) -> None:
        """Begin, or be done with a transaction. `isolation_level` stays: setting it would commit the history."""
        wrapper = self.wrapper
        if not autocommit:
            self._begin()
        wrapper.autocommit = autocommit
        if autocommit and wrapper.run_commit_hooks_on_set_autocommit_on:
            wrapper.run_and_clear_commit_hooks()
            wrapper.run_commit_hooks_on_set_autocommit_on = False

    def _begin(self) -> None:
        self.before_statement()
        self.wrapper.savepoint_state = 0  # the same names in each transaction, so that SQLite knows the statements
        self.raw.execute(f"SAVEPOINT {OUTER}")
        self._inside = True

    def _commit(self) -> None:
        self.raw.execute(f"RELEASE {OUTER}")
        self._inside = False
        self.after_commit()
        self.wrapper.errors_occurred = False
        self.wrapper.run_commit_hooks_on_set_autocommit_on = True

    def _rollback(self) -> None:
        if self._inside:
            self.raw.execute(f"ROLLBACK TO {OUTER}")
            self.raw.execute(f"RELEASE {OUTER}")
            self._inside = False


@contextmanager
def opened(template: Path | None = None) -> Iterator[Store]:
    """Make a database in memory Django's own for this block: migrated, or copied from a migrated file."""
    settings, before = connections.settings["default"], connections["default"]
    fresh = environment.database(URL)
    fresh["OPTIONS"]["cached_statements"] = STATEMENTS_KEPT
    connections.settings.update(connections.configure_settings({"default": fresh}))
    del connections["default"]
    try:
        connection.ensure_connection()
        _fill(template)
        store = Store()
        store.raw.execute("PRAGMA secure_delete = OFF")  # nothing in here is worth overwriting
        with _at_hand(store):
            yield store
    finally:
        connections["default"].connection.close()
        connections.settings["default"] = settings
        connections["default"] = before


@contextmanager
def _at_hand(store: Store) -> Iterator[None]:
    """Have the one connection found at once, where Django looks it up by thread and task each time."""
    wrapper: Any = store.wrapper
    always = {name: getattr(wrapper, name) for name in ("vendor", "ops", "features")}
    always["cursor"] = partial(Cursor, store)
    with (
        patch.dict(connection.__dict__, always),
        patch.object(transaction, "get_connection", lambda using=None: wrapper),
    ):
        yield


def _fill(template: Path | None) -> None:
    if template is None:
        call_command("migrate", verbosity=0)
        return
    source = sqlite3.connect(template)
    try:
        source.backup(connection.connection)
    finally:
        source.close()
