"""Tells a database that is away for a moment from an error that stays."""

from django.db import DatabaseError, InterfaceError, OperationalError


def is_outage(error: BaseException | None) -> bool:
    """Return whether the same work may succeed on a fresh connection, because the database could not be reached.

    psycopg2 raises its plain DatabaseError, no subclass, where a server is killed while it answers.
    """
    return isinstance(error, (OperationalError, InterfaceError)) or type(error) is DatabaseError
