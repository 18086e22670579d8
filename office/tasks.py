"""The office's own periodic tasks."""

from celery import shared_task
from django.contrib.sessions.backends.db import SessionStore

from contacts import clock, fault
from office import books, broker_files, credit_warnings, seen


@shared_task
def pulse() -> None:
    """Write down that a worker takes what beat sends: `/readyz` and `manage.py run` look at it."""
    fault.hit("office.pulse")
    seen.record("worker", now=clock.now())


@shared_task
def prune() -> None:
    """Remove the broker's old files, where the broker is a folder."""
    broker_files.prune(now=clock.now())


@shared_task
def audit() -> None:
    """Prove once a day that the books are right."""
    books.check_daily(now=clock.now())


@shared_task
def warn_of_credit() -> None:
    """Tell by e-mail, once each, of credit that runs low, is about to lapse, or does not reach for what is planned."""
    credit_warnings.tell_due(now=clock.now())


@shared_task
def clear_sessions() -> None:
    """Remove the sessions that have ended."""
    SessionStore.clear_expired()
