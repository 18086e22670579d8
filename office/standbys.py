"""Refuses to serve where a fail-over would lose what was accepted: a standby that copies behind the primary's back.

With a synchronous standby a commit waits until it is there too. An asynchronous one may lack the last SMS that were
accepted, paid and handed over, so an office that has one must allow it by its name (ASYNC_STANDBYS).
"""

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, connection

UNNAMED = "unnamed"  # what a role that may not see the names (pg_monitor may) calls them


def require_synchronous() -> None:
    """Raise ImproperlyConfigured, with a sentence, for an asynchronous standby that ASYNC_STANDBYS does not name.

    A database that is away refuses nothing: the office waits for it.
    """
    if connection.vendor != "postgresql":
        return
    try:
        lagging = asynchronous() - set(settings.ASYNC_STANDBYS)
    except DatabaseError:
        return
    if lagging:
        raise ImproperlyConfigured(
            f"The standby {sorted(lagging)[0]!r} of the database copies asynchronously: a fail-over would lose SMS "
            "that were accepted, and hold all the others. Make it synchronous (synchronous_standby_names), or allow it by "
            "its name in ASYNC_STANDBYS."
        )


def asynchronous() -> set[str]:
    """Return the names of the standbys for which a commit does not wait. Base backups and archivers are none."""
    sql = """SELECT coalesce(nullif(application_name, ''), %s), sync_state FROM pg_stat_replication
        WHERE coalesce(application_name, '') NOT IN ('pg_basebackup', 'pg_receivewal')
            AND coalesce(state, 'streaming') <> 'backup'"""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('synchronous_commit') IN ('on', 'remote_write', 'remote_apply')")
        waits = cursor.fetchone()[0]
        cursor.execute(sql, [UNNAMED])
        found = cursor.fetchall()
        cursor.execute("SELECT current_setting('synchronous_standby_names') <> ''")
        named = cursor.fetchone()[0]
    safe = ("sync", "quorum", "potential")
    return {name for name, state in found if not (waits and (state in safe or (state is None and named)))}
