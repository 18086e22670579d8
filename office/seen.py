"""Who was seen at work last: the worker and the dispatcher. Kept in the shared cache, which is in the database."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.core.cache import cache

LATELY = timedelta(seconds=45)
WORKERS = ("worker", "dispatcher")
_KEPT_FOR = 24 * 3600  # seconds


def record(who: str, *, now: datetime) -> None:
    """Write down that `who` is at work."""
    cache.set(_key(who), now.timestamp(), _KEPT_FOR)


def last(who: str) -> float | None:
    """Return when `who` was seen last, in seconds since 1970, or None."""
    found: float | None = cache.get(_key(who))
    return found


def last_of(who: Iterable[str]) -> dict[str, float]:
    """Return when each of `who` was seen last, in seconds since 1970; who never was is left out."""
    keys = {_key(each): each for each in who}
    return {keys[key]: moment for key, moment in cache.get_many(keys).items()}


def lately(who: str, *, now: datetime) -> bool:
    """Return whether `who` was seen in the last 45 seconds."""
    moment = last(who)
    return moment is not None and now.timestamp() - moment < LATELY.total_seconds()


def anybody(*, now: datetime) -> bool:
    """Return whether a worker or a dispatcher was seen lately."""
    return any(lately(who, now=now) for who in WORKERS)


def _key(who: str) -> str:
    return f"seen:{who}"
