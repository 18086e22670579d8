"""What Celery's workers do for SMS. Each task is "do what is due": the database says what that is."""

import threading

from celery import shared_task

from contacts import clock, fault
from sms import dispatch, receipts, sweeper

stopping = threading.Event()  # set where this process is asked to end: drains finish the calls under way and return


@shared_task
def drain(alias: str) -> None:
    """Hand over what waits for the gateway `alias`; returns at once where another worker already does."""
    fault.hit("tasks.drain")
    dispatch.drain(alias, clock=clock.Running(), stop=stopping.is_set)


@shared_task
def ask_unknown(alias: str) -> None:
    """Ask the gateway `alias`, where it can be asked, what became of deliveries of unknown outcome."""
    dispatch.ask_unknown(alias, clock=clock.Running())


@shared_task
def release() -> None:
    """Accept and charge the planned messages whose moment has come."""
    sweeper.release(now=clock.now())


@shared_task
def settle_receipts() -> None:
    """Write the receipts that have come since to their deliveries."""
    fault.hit("tasks.settle_receipts")
    receipts.settle(now=clock.now())


@shared_task
def sweep() -> None:
    """Settle what nobody settles any more: calls of workers that died, expired and unknown deliveries."""
    fault.hit("tasks.sweep")
    sweeper.sweep(now=clock.now())
