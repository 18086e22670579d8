"""What Celery's workers do for people: the outbox of notices, and imports."""

from celery import shared_task
from django.utils import timezone

from contacts import imports, notices


@shared_task
def mail_notices() -> None:
    """Send the notices that are due by e-mail."""
    notices.mail_due(now=timezone.now())


@shared_task
def import_files() -> None:
    """Read and file what people import."""
    imports.work(clock=timezone.now)


@shared_task
def forget_imports() -> None:
    """Remove the files that nobody said yes to, and what imports could be undone by."""
    imports.forget(now=timezone.now())
