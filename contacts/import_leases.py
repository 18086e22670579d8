"""Who works on an import: one worker at a time, by a lease in its row, so that one that died is replaced."""

from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import F, Q

from contacts.models import ImportBatch

LEASE: Final = timedelta(minutes=2)
MOST_TRIES: Final = 5
AT_WORK: Final = (ImportBatch.State.READING, ImportBatch.State.FILING)
TROUBLE: Final = "trouble"


class LostLease(Exception):
    """Another worker has this import now: what was under way is not to be kept."""


def claim(*, now: datetime, only: int | None = None) -> ImportBatch | None:
    """Take an import that waits for work, the oldest first, or only that one; None where there is none."""
    waiting = ImportBatch.objects.filter(Q(leased_until=None) | Q(leased_until__lt=now), state__in=AT_WORK)
    candidates = waiting.filter(pk=only) if only else waiting
    for pk in candidates.order_by("pk").values_list("pk", flat=True)[:10]:
        if waiting.filter(pk=pk).update(leased_until=now + LEASE, tries=F("tries") + 1):
            return ImportBatch.objects.select_related("book", "by").get(pk=pk)
    return None


def renew(batch: ImportBatch, *, now: datetime, **changes: Any) -> None:
    """Keep the import for another while, and write `changes` to it. Raises LostLease.

    In a transaction it locks the row: what is written with it is kept by the holder of the lease only.
    """
    mine = ImportBatch.objects.filter(pk=batch.pk, leased_until=batch.leased_until, state=batch.state)
    if not mine.update(leased_until=now + LEASE, **changes):
        raise LostLease
    batch.leased_until = now + LEASE


def let_go(batch: ImportBatch, *, now: datetime, state: ImportBatch.State, **changes: Any) -> None:
    """Have the import go on to `state`, with nobody at work. Raises LostLease."""
    renew(batch, now=now, **changes)
    ImportBatch.objects.filter(pk=batch.pk).update(state=state, leased_until=None, tries=0)
