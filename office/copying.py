"""Copies a whole office into another, empty database: how one that began on SQLite moves to PostgreSQL, losing nothing.

All or nothing, in one transaction of the empty database. The office that is left is held first, so that what waits is
handed over by one of the two only; the hold travels along, until a person has looked and releases it (promise 9).
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

from django.apps import apps
from django.core.exceptions import ImproperlyConfigured
from django.core.management.color import no_style
from django.db import DEFAULT_DB_ALIAS, Error, connection, connections, models, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.recorder import MigrationRecorder

from contacts.models import User
from office import environment
from sms import holding
from sms.models import Continuity

SOURCE = "copied"
WHY = "This office was copied to another database."
_BATCH = 1000


class CannotCopy(Exception):
    """Nothing was copied; the text is a sentence for whoever typed the command."""


def copy(address: str, *, now: datetime) -> dict[str, int]:
    """Copy the office at `address` (as in DATABASE_URL) into this one's empty database; return the rows by table.

    Raises CannotCopy where this database is not empty, where the two are of different versions, or where a database
    fails. The other office is held from then on.
    """
    with _source(address) as source:
        _require_same_version(source)
        if User.objects.exists():
            raise CannotCopy("DATABASE_URL names a database that has users already. Give it an empty one, migrated.")
        holding.hold(why=WHY, now=now, using=SOURCE)
        with _unchanging(source), transaction.atomic():
            return _copy_all()


@contextmanager
def _source(address: str) -> Iterator[BaseDatabaseWrapper]:
    """Give the connection to the other office, known to Django as SOURCE for this while."""
    given = {DEFAULT_DB_ALIAS: _settings(address)}
    connections.settings[SOURCE] = connections.configure_settings(given)[DEFAULT_DB_ALIAS]
    try:
        connections[SOURCE].ensure_connection()
        yield connections[SOURCE]
    except Error as error:
        raise CannotCopy(f"A database failed, so nothing was copied. It said: {error}".strip()) from error
    finally:
        connections[SOURCE].close()
        del connections[SOURCE]
        del connections.settings[SOURCE]


def _settings(address: str) -> dict[str, Any]:
    try:
        read = environment.database(address)
    except ImproperlyConfigured:
        raise CannotCopy("The office to copy is named as in DATABASE_URL: sqlite:///… or postgresql://….") from None
    # SQLite would make the file that it does not find
    if read["ENGINE"].endswith("sqlite3") and not Path(read["NAME"]).is_file():
        raise CannotCopy(f"There is no file {read['NAME']}.")
    return read


def _require_same_version(source: BaseDatabaseWrapper) -> None:
    there, here = (set(MigrationRecorder(each).applied_migrations()) for each in (source, connection))
    if there != here:
        where = "the office to copy" if here - there else "the database of DATABASE_URL"
        raise CannotCopy(f"The two are not of one version: first run `manage.py migrate` with {where}.")


@contextmanager
def _unchanging(source: BaseDatabaseWrapper) -> Iterator[None]:
    """Read the other office as it is at one moment: SQLite takes no writer meanwhile, PostgreSQL gives a snapshot."""
    with transaction.atomic(using=SOURCE):
        if source.vendor == "postgresql":
            with source.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield


def _copy_all() -> dict[str, int]:
    """Copy every table; needs a transaction: until its end no foreign key is looked at."""
    every = apps.get_models(include_auto_created=True)
    with connection.cursor() as cursor:
        for model in every:  # what migrations have put there comes anew, under the ids of the other office
            cursor.execute(f"DELETE FROM {_quoted(model._meta.db_table)}")
        # Which database the other office works on is not true of this one, which begins anew.
        copied = {model._meta.db_table: _copy_table(model, cursor) for model in every if model is not Continuity}
        for statement in connection.ops.sequence_reset_sql(no_style(), every):
            cursor.execute(statement)
    return copied


def _copy_table(model: type[models.Model], cursor: Any) -> int:
    fields = model._meta.local_concrete_fields
    columns = ", ".join(_quoted(str(field.column)) for field in fields)
    places = ", ".join(["%s"] * len(fields))
    statement = f"INSERT INTO {_quoted(model._meta.db_table)} ({columns}) VALUES ({places})"
    found = model._base_manager.using(SOURCE).order_by().values_list(*(field.attname for field in fields))
    rows, copied = found.iterator(chunk_size=_BATCH), 0
    while batch := list(islice(rows, _BATCH)):
        cursor.executemany(statement, [_prepared(row, fields) for row in batch])
        copied += len(batch)
    return copied


def _prepared(row: tuple[Any, ...], fields: "Sequence[models.Field[Any, Any]]") -> list[Any]:
    return [field.get_db_prep_save(value, connection) for field, value in zip(fields, row, strict=True)]


def _quoted(name: str) -> str:
    return connection.ops.quote_name(name)
