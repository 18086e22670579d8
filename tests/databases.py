"""A fresh, migrated, real database for one test, on PostgreSQL and on SQLite alike, and real processes on it.

    def test_the_last_part_is_spent_once(database):
        account = make_account(parts=1)
        answers = database.processes(8, spend_one_part, account.id)
        assert answers.count("paid") == 1

Everything commits. The test process, its threads and its child processes all see the same database; nothing of it
is left afterwards. The function runs by its name in the child, so it stands at the top of a module; what it takes and
returns is JSON. A test that uses `database` bears no `django_db` mark.
"""

import fcntl
import os
import sqlite3
import subprocess
import sys
import uuid
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg2
import pytest
from django.contrib.contenttypes.models import ContentType
from django.db import connections

from office import environment
from tests.process import Process, ProcessFailed, Zygote
from tests.servers import NOWHERE, PROJECT

TEMPLATE = "office_template"
MIGRATE = "import django; django.setup()\nfrom django.core.management import call_command\n"
MIGRATE += "call_command('migrate', verbosity=0); call_command('createcachetable')"


@dataclass(frozen=True)
class Database:
    """One test's own database. `vendor` as Django says it, `url` as DATABASE_URL takes it."""

    vendor: str
    url: str

    @property
    def environment(self) -> dict[str, str]:
        """The environment of a child process that works on this database."""
        return {**os.environ, "DATABASE_URL": self.url, "DJANGO_SETTINGS_MODULE": "office.settings"}

    def start(self, function: Callable[..., Any] | str, *arguments: Any) -> Process:
        """Return a child process that stands ready to call `function` (or its dotted name) with `arguments`."""
        name = function if isinstance(function, str) else f"{function.__module__}.{function.__qualname__}"
        return zygote_of(self).start(self.url, name, arguments)

    def processes(self, count: int, function: Callable[..., Any] | str, *arguments: Any) -> list[Any]:
        """Call `function` in `count` processes that start at the same moment; return their answers."""
        started = [self.start(function, *arguments) for _ in range(count)]
        try:
            for process in started:
                process.wait_until_ready()
            for process in started:
                process.go()
            return [process.result() for process in started]
        finally:
            for process in started:
                process.kill()


# by what its children have in common: the vendor, and the environment without what is each test's own
_zygotes: dict[tuple[str, frozenset[tuple[str, str]]], Zygote] = {}
OF_EACH_TEST = {"DATABASE_URL", "PYTEST_CURRENT_TEST"}


def zygote_of(database: Database) -> Zygote:
    """Return the process that starts children on this database as the environment is now; make it the first time."""
    common = frozenset(each for each in database.environment.items() if each[0] not in OF_EACH_TEST)
    if (database.vendor, common) not in _zygotes:
        _zygotes[database.vendor, common] = Zygote(database.environment)
    return _zygotes[database.vendor, common]


@pytest.fixture(params=["postgresql", "sqlite"])
def database(
    request: pytest.FixtureRequest, test_folder: Path, django_db_blocker: Any
) -> Generator[Database, None, None]:
    """This test's own database, as `connections["default"]` of every thread; once on each vendor."""
    assert request.node.get_closest_marker("django_db") is None, "`database` and the django_db mark exclude each other"
    if request.param == "postgresql" and os.environ["DATABASE_URL"] == NOWHERE:
        pytest.skip("needs PostgreSQL, which is not installed")
    made = {"postgresql": on_postgresql, "sqlite": on_sqlite}[request.param]
    with made(test_folder) as fresh, django_db_blocker.unblock(), connected(fresh):
        yield fresh


@contextmanager
def connected(database: Database) -> Iterator[None]:
    """Make `database` Django's default one in all threads; afterwards everything is as it was."""
    settings, connection = connections.settings["default"], connections["default"]
    connections.settings.update(connections.configure_settings({"default": environment.database(database.url)}))
    del connections["default"]
    ContentType.objects.clear_cache()
    try:
        yield
    finally:
        connections["default"].close()
        connections.settings["default"] = settings
        connections["default"] = connection
        ContentType.objects.clear_cache()


@contextmanager
def on_postgresql(folder: Path) -> Iterator[Database]:
    """A copy of a migrated PostgreSQL database that this run makes once."""
    administration = os.environ["DATABASE_URL"]
    with only_one(folder):
        if not one_value(administration, f"SELECT count(*) FROM pg_database WHERE datname = '{TEMPLATE}'"):
            one_value(administration, f"CREATE DATABASE {TEMPLATE}_unfinished")
            migrate(named(administration, f"{TEMPLATE}_unfinished"))
            one_value(administration, f"ALTER DATABASE {TEMPLATE}_unfinished RENAME TO {TEMPLATE}")
    name = f"own_{uuid.uuid4().hex}"
    with only_one(folder):  # two copies of one template at once refuse each other
        one_value(administration, f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
    try:
        yield Database(vendor="postgresql", url=named(administration, name))
    finally:
        one_value(administration, f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def on_sqlite(folder: Path) -> Iterator[Database]:
    """A copy of a migrated SQLite file that this run makes once."""
    template = folder / f"{TEMPLATE}.sqlite3"
    with only_one(folder):
        if not template.exists():
            unfinished = folder / "unfinished.sqlite3"
            migrate(f"sqlite:///{unfinished}")
            unfinished.rename(template)
    copy = folder / f"own_{uuid.uuid4().hex}.sqlite3"
    with sqlite3.connect(template) as source, sqlite3.connect(copy) as target:
        source.backup(target)
    source.close()
    target.close()
    yield Database(vendor="sqlite", url=f"sqlite:///{copy}")
    for file in folder.glob(f"{copy.name}*"):
        file.unlink()


@contextmanager
def only_one(folder: Path) -> Iterator[None]:
    """One process of this run at a time (xdist has several)."""
    with (folder / "templates.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def migrate(url: str) -> None:
    environ = {**os.environ, "DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "office.settings"}
    done = subprocess.run(
        [sys.executable, "-c", MIGRATE], cwd=PROJECT, env=environ, check=False, capture_output=True, text=True
    )
    if done.returncode:
        raise ProcessFailed(done.stderr)


def named(url: str, name: str) -> str:
    """The same server, another database."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


def one_value(url: str, statement: str) -> Any:
    """Run a statement outside any transaction; return the first value of the first row, if there is one."""
    connection = psycopg2.connect(url)
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchone()[0] if cursor.description else None
    finally:
        connection.close()
