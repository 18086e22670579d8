"""The Celery app. `celery -A office worker -P threads` takes the nudges, `celery -A office beat` gives the ticks.

Messages are nudges with at most a gateway's alias: the database says what is due, so none of them carries a result, a
delay or a retry.
"""

import os
import sys
from collections.abc import Callable
from typing import Any

from celery import Celery
from celery.signals import beat_init, celeryd_init, setup_logging, worker_ready, worker_shutting_down
from django.core.exceptions import ImproperlyConfigured
from django_structlog.celery.steps import DjangoStructLogInitStep

from office import logs, schedule

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "office.settings")

app = Celery("office")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.set_default()
app.autodiscover_tasks()
app.steps["worker"].add(DjangoStructLogInitStep)
app.conf.beat_schedule = schedule.for_beat()


@setup_logging.connect
def _log_our_way(**_: Any) -> None:
    """Keep Celery from setting up logging: with a receiver here, it leaves that to us."""
    logs.configure()


@celeryd_init.connect
def _refuse_half_an_office(**_: Any) -> None:
    """End a worker that could not serve."""
    from office import start_up

    _or_end(start_up.require_office)


@beat_init.connect
def _refuse_half_the_settings(**_: Any) -> None:
    """End a beat whose settings are not complete; it needs no database."""
    from office import start_up

    _or_end(start_up.require_settings)


def _or_end(require: Callable[[], None]) -> None:
    """End where something is missing. Celery only logs what a receiver raises, but it lets SystemExit pass."""
    from office.start_up import CannotStart

    try:
        require()
    except (ImproperlyConfigured, CannotStart) as reason:
        sys.stderr.write(f"{reason}\n")
        sys.exit(2)


@worker_ready.connect
def _show_up(**_: Any) -> None:
    """Say so as soon as the worker consumes, not only at the first tick."""
    from office.tasks import pulse

    pulse()


@worker_shutting_down.connect
def _finish_calls(**_: Any) -> None:
    """Let the drains under way end after the calls that they have made."""
    from sms.tasks import stopping

    stopping.set()
