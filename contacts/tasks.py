"""What Celery's workers do for people: the outbox of notices, and forgetting what was deleted long ago."""

from celery import shared_task
from django.utils import timezone

from contacts import cures, filing, notices


@shared_task
def mail_notices() -> None:
    """Send the notices that are due by e-mail."""
    notices.mail_due(now=timezone.now())


@shared_task
def forget_contacts() -> None:
    """Forget for good what can no longer be undone: contacts and lists deleted, numbers repaired, 30 days ago."""
    now = timezone.now()
    filing.purge(now=now)
    cures.forget_old(now=now)
