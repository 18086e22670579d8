"""R11's children: hours of an office whose gateway is away, in seconds, with the product's own waits."""

from datetime import datetime, timedelta

from django.utils import timezone

from sms import dispatch, sweeper

STEP = timedelta(seconds=60)


def hours(*, hours: float, begin: float = 0.0) -> int:
    """Do a tick each minute of so many hours; return how many calls were made."""
    now = timezone.now() + timedelta(hours=begin)
    until, calls = now + timedelta(hours=hours), 0
    while now < until:
        calls += _tick(now)
        now += STEP
    return calls


def _tick(now: datetime) -> int:
    sweeper.sweep(now=now)
    return dispatch.drain("plain", clock=lambda: now)
