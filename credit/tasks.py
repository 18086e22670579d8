"""What Celery's workers do for credit. Each task is "do what is due": the database says what that is."""

from celery import shared_task

from contacts import clock
from credit import checkout, limits, receipt


@shared_task
def ask_top_ups() -> None:
    """Ask Stripe for the top-ups that nobody has told of, and for the refunds that staff decided."""
    checkout.ask_open(now=clock.now())
    checkout.ask_refunds_due(now=clock.now())


@shared_task
def ask_missed() -> None:
    """Read the events that Stripe could not bring."""
    checkout.ask_missed(now=clock.now())


@shared_task
def mail_receipts() -> None:
    """Send the receipts that are due by e-mail."""
    receipt.mail_due(now=clock.now())


@shared_task
def prune_limits() -> None:
    """Forget the counters of windows that are over, with the numbers in them."""
    limits.prune(now=clock.now())
