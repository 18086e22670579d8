"""Several statements that see the same moment of the database."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction


@contextmanager
def at_one_instant() -> Iterator[None]:
    """Let all that is read inside see the same moment: figures of several statements add up, whoever writes meanwhile.

    SQLite has one writer, which waits as long; inside a transaction that has begun already nothing changes.
    """
    if connection.in_atomic_block:
        yield
        return
    with transaction.atomic():
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield
