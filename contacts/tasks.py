"""What Celery's workers do for people: the outbox of notices."""

from celery import shared_task
from django.utils import timezone

from contacts import notices


@shared_task
def mail_notices() -> None:
    """Send the notices that are due by e-mail."""
    notices.mail_due(now=timezone.now())
