"""What PostgreSQL must promise before the office takes money: what was committed stays, at a power cut and a fail-over.

Each doubt has a name. Whoever knows better (a copy that may be lost, a file system that never tears a page) allows it
by that name in DATABASE_ALLOW; nothing is allowed by silence.
"""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection

CLOCKS_APART = timedelta(seconds=5)  # ticks live for ten, leases for thirty

_LOST = {
    "fsync": "what was accepted and paid could be lost at a power cut",
    "full_page_writes": "a power cut could leave torn pages",
    "synchronous_commit": "the last SMS that were accepted and paid could be lost at a crash",
}


@dataclass(frozen=True, slots=True)
class Doubt:
    """What PostgreSQL does not promise: a sentence with its cure, and the name that allows it, if any does."""

    sentence: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Server:
    """What the server says of itself. `standbys` holds the sync_state of each that streams, None where it is hidden."""

    settings: dict[str, str]
    is_standby: bool
    standbys: tuple[str | None, ...]


def doubts(*, allowed: Collection[str]) -> list[str]:
    """Return a sentence for each thing that the database does not promise and that is not allowed; none for SQLite."""
    if connection.vendor != "postgresql":
        return []
    server = ask()
    found = [*_settings(server), *_standbys(server)]
    return [_sentence(doubt) for doubt in found if doubt.name not in allowed]


def clocks_apart(clock: Callable[[], datetime]) -> timedelta:
    """Return how far the database's clock is surely from ours: nothing where it lies between two looks at ours."""
    if connection.vendor != "postgresql":
        return timedelta(0)
    before = clock()
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        theirs: datetime = cursor.fetchone()[0]
    return max(before - theirs, theirs - clock(), timedelta(0))


def ask() -> Server:
    """Ask the server what it promises to a session of this office."""
    names = (*_LOST, "transaction_isolation", "synchronous_standby_names")
    with connection.cursor() as cursor:
        told = ", ".join(f"current_setting('{name}')" for name in names)
        cursor.execute(f"SELECT pg_is_in_recovery(), {told}")
        is_standby, *values = cursor.fetchone()
        # A backup that is being taken is no standby. Without pg_monitor PostgreSQL hides both columns.
        cursor.execute("SELECT sync_state FROM pg_stat_replication WHERE state IS DISTINCT FROM 'backup'")
        standbys = tuple(row[0] for row in cursor.fetchall())
    return Server(dict(zip(names, values, strict=True)), is_standby, standbys)


def _settings(server: Server) -> Iterator[Doubt]:
    if server.is_standby:
        yield Doubt("DATABASE_URL: this PostgreSQL is a standby, which only reads. Give the address of the primary.")
    for name, loss in _LOST.items():
        if server.settings[name] == "off":
            cure = f"Set {name} = on in postgresql.conf (or for the office's role) and reload."
            yield Doubt(f"PostgreSQL has {name} = off: {loss}. {cure}", f"{name}_off")
    level = server.settings["transaction_isolation"]
    if level != "read committed":
        cure = "Set default_transaction_isolation = 'read committed' for the office's role or database."
        yield Doubt(f"PostgreSQL works in {level}: the queue is made for read committed. {cure}")


def _standbys(server: Server) -> Iterator[Doubt]:
    """Doubt a standby that does not confirm: after a fail-over to it, what was accepted and sent may be forgotten."""
    if not server.standbys:
        return
    waits = bool(server.settings["synchronous_standby_names"]) and server.settings["synchronous_commit"] != "local"
    confirms = any(state in {"sync", "quorum", None} for state in server.standbys)
    if waits and confirms:
        return
    lost = "at a fail-over the last SMS would be forgotten, though paid or sent"
    cure = "Name one in synchronous_standby_names, with synchronous_commit = on."
    hidden = " What attaches is hidden from the office's role: GRANT pg_monitor lets it tell a standby from a backup."
    told = f"PostgreSQL has a standby that confirms nothing: {lost}. {cure}{hidden if None in server.standbys else ''}"
    yield Doubt(told, "asynchronous_standby")


def _sentence(doubt: Doubt) -> str:
    return f"{doubt.sentence} Or allow it by name: DATABASE_ALLOW={doubt.name}." if doubt.name else doubt.sentence
