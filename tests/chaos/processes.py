"""What the office's processes do in a child of the zygote: the same entry points that `make run` and compose start."""

import signal
import sys

from django.conf import settings
from django.utils import timezone

from contacts.models import User
from office import dispatcher, schedule, start_up
from sms import dispatch, receipts, submission, sweeper
from sms.submission import Recipient, Request
from tests.chaos import load

TICK = 0.2  # seconds: beat's and the dispatcher's second, shortened


def worker() -> None:
    """`celery -A office worker`."""
    from office.celery import app

    app.Worker(
        pool="threads", concurrency=8, quiet=True, loglevel="ERROR",
        without_gossip=True, without_mingle=True, without_heartbeat=True,
    ).start()  # fmt: skip


def beat() -> None:
    """`celery -A office beat`, with shorter ticks."""
    from office.celery import app

    app.conf.beat_schedule = {
        name: entry | {"schedule": min(entry["schedule"], 10.0) * TICK} for name, entry in schedule.for_beat().items()
    }
    app.Beat(quiet=True, loglevel="ERROR", schedule="/dev/null").run()


def run_dispatcher() -> None:
    """`manage.py dispatcher`, with shorter ticks."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: dispatcher.stop())
    dispatcher.AFTER_FAILURE = TICK
    dispatcher.run(
        [
            schedule.Entry(each.task, every=min(each.every, 10.0) * TICK, args=each.args)
            for each in schedule.entries()
            if each.task != "office.tasks.pulse"
        ]
    )


def web(*, port: int) -> None:
    """`gunicorn --config python:office.serving office.wsgi`."""
    from gunicorn.app.wsgiapp import WSGIApplication

    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}  # nothing is collected here
    settings.STORAGES = settings.STORAGES | {"staticfiles": plain}
    sys.argv[:] = ["gunicorn", "--config", "python:office.serving", "--bind", f"127.0.0.1:{port}", "office.wsgi"]
    WSGIApplication().run()


def settle() -> None:
    """Do what is due until nothing is: what the surviving processes would do, without waiting for their ticks."""
    for _turn in range(12):
        now = timezone.now()
        sweeper.sweep(now=now)
        receipts.settle(now=now)
        calls = sum(dispatch.drain(each, clock=timezone.now) for each in settings.SMS_GATEWAYS)
        asked = sum(dispatch.ask_unknown(each, clock=timezone.now, limit=10_000) for each in settings.SMS_GATEWAYS)
        if not calls and not asked and not load.under_way(now=now):
            return
        load.wait_for_backoffs()


def submit(*, user: int, key: str, to: list[str], text: str = "See you at 9", occasion: str = "api") -> str:
    """Send by the front door; return how it was answered."""
    request = Request(User.objects.get(pk=user), text, [Recipient(each) for each in to], occasion, key)
    try:
        done = submission.submit(request, now=timezone.now())
    except submission.NotAccepted as why:
        return type(why).__name__
    return "repeated" if done.repeated else "accepted"


def may_serve(*, allowed: list[str]) -> str:
    """Return what keeps a process of the office from starting, with these doubts allowed by name."""
    settings.DATABASE_ALLOW = allowed
    try:
        start_up.require_durability()
    except start_up.CannotStart as refused:
        return str(refused)
    return ""
