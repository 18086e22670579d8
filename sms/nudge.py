"""Tells Celery's workers that a gateway has work, without ever keeping the caller waiting.

A nudge saves up to a second; the tick of each second does the same work, so a nudge may be lost. That is why a slow or
absent broker costs the caller nothing: one background thread does the talking, with time-outs of 0.2 seconds.
"""

import os
import queue
import threading
import time
from collections.abc import Iterable

from celery import current_app
from django.db import transaction
from kombu import Connection

from contacts import fault

TASK = "sms.tasks.drain"
PATIENCE = 0.2  # seconds: a refused Redis keeps a caller for 0.6 s by default, one that hangs for a minute
EXPIRES = 10.0  # seconds: later, the ticks have long done it
WAITING = 100
PAUSE = 0.05  # seconds between two rounds: a nudge costs a tenth of a submit, and one serves all that came before it

_IMPATIENT = {
    "socket_timeout": PATIENCE,
    "socket_connect_timeout": PATIENCE,
    "retry_on_timeout": False,
    "max_retries": 0,
}


class Nudger:
    """A bounded queue of aliases and the thread that publishes them; one per process, started at the first nudge."""

    def __init__(self) -> None:
        self._waiting: queue.Queue[str] = queue.Queue(WAITING)
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None

    def add(self, aliases: Iterable[str]) -> None:
        """Queue a nudge for each alias; what has no room is dropped."""
        try:
            for alias in aliases:
                self._waiting.put_nowait(alias)
            self._start()
        except (queue.Full, RuntimeError):  # RuntimeError: this process may start no thread any more
            return

    def _start(self) -> None:
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="nudge", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        with impatient_connection() as connection:
            while True:
                for alias in self._take():
                    publish(alias, connection)
                time.sleep(PAUSE)

    def _take(self) -> list[str]:
        """Wait for a nudge, then take all that wait, each alias once."""
        taken = [self._waiting.get()]
        while not self._waiting.empty():
            taken.append(self._waiting.get())
        return list(dict.fromkeys(taken))


def nudge(aliases: Iterable[str]) -> None:
    """Have the workers look at these gateways now. Returns at once, raises nothing, promises nothing."""
    fault.hit("nudge.wanted")
    _nudger.add(aliases)


def on_commit(aliases: Iterable[str]) -> None:
    """Nudge these gateways when the transaction under way has committed, or at once where there is none."""
    wanted = sorted(set(aliases))
    transaction.on_commit(lambda: nudge(wanted), robust=True)


def impatient_connection() -> Connection:
    """Return a connection to Celery's broker, not yet open, that gives up after a fraction of a second."""
    connection: Connection = current_app.connection_for_write(transport_options=_IMPATIENT, connect_timeout=PATIENCE)
    return connection


def publish(alias: str, connection: Connection) -> bool:
    """Send one nudge over this connection, opened where it is not; return whether the broker took it."""
    fault.hit("nudge.before_publish")
    try:
        current_app.send_task(
            TASK, args=(alias,), connection=connection, expires=EXPIRES, retry=False, ignore_result=True
        )
    except Exception:  # whatever the broker's client may raise: the next tick does the work
        connection.collect(socket_timeout=PATIENCE)
        return False
    fault.hit("nudge.published")
    return True


def _begin_afresh() -> None:
    """Leave the queue to the parent: a forked child has a copy of it, but not the thread."""
    global _nudger  # noqa: PLW0603
    _nudger = Nudger()


_nudger = Nudger()
os.register_at_fork(after_in_child=_begin_afresh)
