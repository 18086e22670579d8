"""Notices that the database is not the one we last worked on: a restored copy, or a standby that took over.

What left after such a copy was made is missing in it: handing over what it says still waits would send that twice. So
all hand-over starts held, what could have left since the copy becomes `unknown`, and a person releases it (promise 9).

Two marks tell. The server's own identity (PostgreSQL: system, timeline, database) stands in the row: a standby that
took over is on a new timeline, a restored dump is in another database. And a counter that moves every few seconds
stands in the row and, once that has committed, in a file of OFFICE_DATA: a row that is behind its file was put back.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import structlog
from django.conf import settings
from django.db import connection, transaction

from sms import holding, outcomes, queue_sql
from sms.models import Continuity
from sms.queue_sql import Ended

RESTORED = "The database is an older copy than the one that SMS were sent from."
ELSEWHERE = "The database is in another place than the one that SMS were sent from: a copy was put back."
TOOK_OVER = "Another database server took over."

_SYSTEM = "(SELECT system_identifier FROM pg_control_system())"
_TIMELINE = "substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8)"
_PLACE = "(SELECT oid FROM pg_database WHERE datname = current_database())"
_SYNCHRONOUS = """current_setting('synchronous_standby_names') <> ''
    AND current_setting('synchronous_commit') IN ('on', 'remote_write', 'remote_apply')"""
_IDENTITY = {
    "postgresql": f"SELECT concat_ws('.', {_SYSTEM}, {_PLACE}, {_TIMELINE}), {_SYNCHRONOUS}",
    "sqlite": "SELECT 'sqlite', 0",
}

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Here:
    """The database that we speak to, and the mark that this machine keeps of it."""

    identity: str
    synchronous: bool
    mark: int


@dataclass(frozen=True, slots=True)
class Break:
    """Why the database is not the one we last worked on. `exact`: no commit can be missing, so nothing is in doubt."""

    why: str
    exact: bool = False


def check(*, now: datetime) -> bool:
    """Return whether this is the database that we last worked on; where not, hold and doubt, once."""
    here = _look()
    row = Continuity.objects.filter(pk=1).first()
    if row is None:
        _begin(here, now=now)
        return True
    if _break(row, here) is None:
        return True
    return not _start_held(here, now=now)


def note(*, now: datetime) -> None:
    """Check, then move the mark on: in the row, and once that has committed in the file of this machine."""
    check(now=now)
    with transaction.atomic():
        row = Continuity.objects.select_for_update().get(pk=1)
        row.mark, row.synchronous, row.noted_at = row.mark + 1, _look().synchronous, now
        row.save(update_fields=["mark", "synchronous", "noted_at"])
        _keep(row.mark)


def declare_restored(*, now: datetime) -> int:
    """Hold and doubt because somebody says that this is a restored copy; return how many SMS are in doubt now."""
    here = _look()
    with transaction.atomic():
        row = Continuity.objects.select_for_update().get_or_create(pk=1, defaults={"noted_at": now})[0]
        return _hold_and_doubt(row, here, Break(RESTORED), now=now)


def _look() -> Here:
    """Look at the file before the database: a mark only ever follows its row."""
    mark = _read_mark()
    with connection.cursor() as cursor:
        cursor.execute(_IDENTITY[connection.vendor])
        identity, synchronous = cursor.fetchone()
    return Here(identity, bool(synchronous), mark)


def _begin(here: Here, *, now: datetime) -> None:
    row = Continuity(pk=1, identity=here.identity, mark=here.mark + 1, synchronous=here.synchronous, noted_at=now)
    Continuity.objects.bulk_create([row], ignore_conflicts=True)


def _break(row: Continuity, here: Here) -> Break | None:
    """Return what broke, or None. A mark ahead of its row: commits that this machine has seen are missing."""
    if here.mark > row.mark:
        return Break(RESTORED)
    if here.identity == row.identity:
        return None
    if here.identity.rpartition(".")[0] != row.identity.rpartition(".")[0]:
        return Break(ELSEWHERE)
    # Without a mark of our own, a recovery to an earlier moment looks like a standby that took over.
    return Break(TOOK_OVER, exact=row.synchronous and here.mark > 0)


def _start_held(here: Here, *, now: datetime) -> bool:
    with transaction.atomic():
        row = Continuity.objects.select_for_update().get(pk=1)
        found = _break(row, here)
        if found is None:
            return False  # another process was first
        doubted = _hold_and_doubt(row, here, found, now=now)
    log.error("another_database_all_hand_over_is_held", why=found.why, doubted=doubted)
    return True


def _hold_and_doubt(row: Continuity, here: Here, found: Break, *, now: datetime) -> int:
    doubted = 0 if found.exact else _doubt(now=now)
    holding.hold(why=found.why, now=now)
    row.identity, row.mark, row.synchronous, row.noted_at = here.identity, max(row.mark, here.mark) + 1, False, now
    row.save()
    _keep(row.mark)
    return doubted


def _doubt(*, now: datetime) -> int:
    """Call unknown all that waits, and give up the planned SMS whose moment has passed: they may have left."""
    queue_sql.leave_ids_behind()
    passed = [Ended(0, pk) for pk in queue_sql.give_up_planned(reason="restored", now=now)]
    outcomes.tell(passed, state="restored", now=now)
    return queue_sql.doubt_waiting(now=now)


def _keep(mark: int) -> None:
    transaction.on_commit(lambda: _write_mark(mark), robust=True)


def _write_mark(mark: int) -> None:
    """Write the file anew and put it in place whole; where it cannot be written the identity still tells."""
    path = _path()
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        unfinished = path.with_suffix(f".{id(connection)}")
        unfinished.write_text(str(mark))
        unfinished.replace(path)
    except OSError as error:
        log.warning("mark_cannot_be_written", why=error.strerror)


def _read_mark() -> int:
    try:
        return int(_path().read_text())
    except (OSError, ValueError):
        return 0


def _path() -> Path:
    """Return the file for this database, whatever the user and the password with which we reach it."""
    where = "|".join(str(connection.settings_dict[each]) for each in ("HOST", "PORT", "NAME"))
    return settings.DATA_DIR / "continuity" / hashlib.sha256(where.encode()).hexdigest()[:16]
