"""What Celery's workers do for people: the outbox of notices, imports, and forgetting what can no longer be undone."""

from celery import shared_task

from contacts import clock, cures, filing, imports, notices


@shared_task
def mail_notices() -> None:
    """Send the notices that are due by e-mail."""
    notices.mail_due(now=clock.now())


@shared_task
def import_files() -> None:
    """Read and file what people import."""
    imports.work(clock=clock.now)


@shared_task
def forget_imports() -> None:
    """Remove the files that nobody said yes to, and what imports could be undone by."""
    imports.forget(now=clock.now())


@shared_task
def forget_contacts() -> None:
    """Forget for good what can no longer be undone: contacts and lists deleted, numbers repaired, 30 days ago."""
    now = clock.now()
    filing.purge(now=now)
    cures.forget_old(now=now)
