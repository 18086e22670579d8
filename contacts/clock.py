"""The office's time: the clock of its database, the one clock that all its machines share (FAULTS R8).

A machine's own clock may jump or be hours off; then leases would end early, SMS expire that have time, and a month end
before it does. So who is at an entry (a page, a call of the API, a task, a command) asks `now` once and hands it down.
On SQLite both are the same machine's.
"""

import time
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from django.db import Error, connection
from django.utils import timezone

READ_AGAIN_AFTER = 60.0  # seconds


def read() -> datetime:
    """Return the moment that the database's clock shows. One statement."""
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

    # the moment, and this machine's monotonic seconds then: one value, since the threads of a process share the clock
    last: tuple[datetime, float] = field(default_factory=lambda: (read(), time.monotonic()))

    def __call__(self) -> datetime:
        if time.monotonic() - self.last[1] > READ_AGAIN_AFTER:
            with suppress(Error):
                self.last = (read(), time.monotonic())
        moment, asked = self.last
        return moment + timedelta(seconds=time.monotonic() - asked)


_running: list[Running] = []  # this process's, from the first time that somebody asks


def now() -> datetime:
    """Return the office's time; the database is asked by the first caller of this process, and then once a minute.

    Where it cannot be asked for the first time, the machine's own clock must do: whoever wants more of the database
    will hear that it is away.
    """
    if connection.vendor != "postgresql":
        return timezone.now()
    if not _running:
        try:
            _running.append(Running())
        except Error:
            return timezone.now()
    return _running[0]()
