"""Takes a file of contacts into a book: read, shown row by row, then filed whole or not at all, and undone whole.

A row of `ImportBatch` drives it; what is to be done is done by whoever looks (a worker each second, the page itself for
a small file), and goes on where somebody died. Nothing of it is in a message of the broker.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog
from django.db import transaction
from django.db.models import Q

from contacts import import_filing, import_reading
from contacts.file_records import MOST_BYTES, Fault, Unreadable
from contacts.import_leases import MOST_TRIES, TROUBLE, LostLease, claim
from contacts.models import Book, ImportBatch, ImportPart, ImportRow, User

SMALL: Final = 100 * 1024
UNDOABLE: Final = timedelta(days=30)
MOST_OPEN: Final = 5
LOOKED_AT: Final = timedelta(days=7)

log = structlog.get_logger(__name__)
_State = ImportBatch.State


class TooManyOpen(Exception):
    """Too many files of this user wait to be looked at."""


class TooLate(Exception):
    """The import is not in the state that this needs: another tab was faster, or its time has passed."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that somebody brings: its name, its bytes as they come, and what is to become of those already there."""

    name: str
    content: Iterable[bytes]
    twins: str = ImportBatch.Twins.MERGE


def begin(book: Book, upload: Upload, *, by: User, now: datetime) -> ImportBatch:
    """Keep a file that is to be imported, in pieces as it comes.

    Raises Unreadable for too much or nothing, TooManyOpen where five wait already.
    """
    with transaction.atomic():
        if ImportBatch.objects.filter(by=by, state__in=[_State.READING, _State.READY]).count() >= MOST_OPEN:
            raise TooManyOpen
        batch = ImportBatch.objects.create(
            book=book, by=by, source=upload.name[:200], twins=upload.twins, created_at=now
        )
        for position, piece in enumerate(upload.content):
            batch.size += len(piece)
            if batch.size > MOST_BYTES:
                raise Unreadable(Fault.TOO_BIG)
            ImportPart.objects.create(batch=batch, position=position, content=piece)
        if not batch.size:
            raise Unreadable(Fault.EMPTY)
        batch.save(update_fields=["size"])
    return batch


def choose(batch: ImportBatch, *, twins: str) -> None:
    """Say what is to become of those who are there already. Raises TooLate once it is being filed."""
    if not ImportBatch.objects.filter(pk=batch.pk, state=_State.READY).update(twins=twins):
        raise TooLate


def confirm(batch: ImportBatch) -> None:
    """Have the rows filed as they were shown. Raises TooLate where that was said before."""
    if not ImportBatch.objects.filter(pk=batch.pk, state=_State.READY).update(state=_State.FILING, progress=0):
        raise TooLate


def cancel(batch: ImportBatch) -> None:
    """Forget a file that was not filed. Raises TooLate once that has begun."""
    gone, _models = ImportBatch.objects.filter(pk=batch.pk).exclude(state__in=[_State.FILING, _State.DONE]).delete()
    if not gone:
        raise TooLate


def undo(batch: ImportBatch, *, now: datetime) -> None:
    """Take back all that an import did, within 30 days. Raises TooLate."""
    with transaction.atomic():
        undoable = ImportBatch.objects.filter(pk=batch.pk, state=_State.DONE, finished_at__gt=now - UNDOABLE)
        if not undoable.update(state=_State.UNDONE, undone_at=now):
            raise TooLate
        import_filing.undo(batch, now=now)


def is_undoable(batch: ImportBatch, *, now: datetime) -> bool:
    """Return whether all that it did can still be taken back."""
    return batch.state == _State.DONE and batch.finished_at is not None and batch.finished_at > now - UNDOABLE


def work(*, clock: Callable[[], datetime], only: int | None = None) -> None:
    """Do what is due: read and file whatever waits, or only that import, one step after the other."""
    while batch := claim(now=clock(), only=only):
        try:
            _step(batch, clock=clock)
        except LostLease:
            continue
        except Exception:  # such as a database that restarts: the lease ends, and the next one tries
            log.exception("import_step_failed", batch=batch.pk)
            return


def forget(*, now: datetime) -> None:
    """Remove what is no longer needed: files nobody said yes to, and the rows by which an import could be undone."""
    stale = Q(state__in=[_State.READING, _State.READY], created_at__lt=now - LOOKED_AT)
    over = Q(state__in=[_State.FAILED, _State.UNDONE], created_at__lt=now - UNDOABLE)
    ImportBatch.objects.filter(stale | over).delete()
    ImportRow.objects.filter(batch__state=_State.DONE, batch__finished_at__lt=now - UNDOABLE).delete()


def _step(batch: ImportBatch, *, clock: Callable[[], datetime]) -> None:
    if batch.tries > MOST_TRIES:
        import_filing.fail(batch, TROUBLE, now=clock())
    elif batch.state == _State.READING:
        import_reading.read(batch, clock=clock)
    else:
        import_filing.file_rows(batch, clock=clock)
