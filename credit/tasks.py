"""What Celery's workers do for credit: forget the limits' old counters."""

from celery import shared_task
from django.utils import timezone

from credit import limits


@shared_task
def prune_limits() -> None:
    """Forget the counters of windows that are over, with the numbers in them."""
    limits.prune(now=timezone.now())
