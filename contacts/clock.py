"""The database's clock: the one clock that all machines of an office share.

A worker's own clock may jump or be hours off; then leases would end early and SMS expire that have time. So what runs
by itself reads the database's clock once, at its entry, and hands it down. On SQLite both are the same machine's.
"""

import time
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from django.db import Error, connection
from django.utils import timezone

READ_AGAIN_AFTER = 60.0  # seconds


def now() -> datetime:
    """Return the moment of the database's clock."""
    if connection.vendor != "postgresql":
        return timezone.now()
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        moment: datetime = cursor.fetchone()[0]
    return moment.astimezone(UTC)


@dataclass
class Running:
    """A clock that was read once and goes on from there, whatever this machine's clock does; read again each minute.

    Where the database is away it simply goes on.
    """

    at: datetime = field(default_factory=now)
    read: float = field(default_factory=time.monotonic)

    def __call__(self) -> datetime:
        if time.monotonic() - self.read > READ_AGAIN_AFTER:
            with suppress(Error):
                self.at, self.read = now(), time.monotonic()
        return self.at + timedelta(seconds=time.monotonic() - self.read)
