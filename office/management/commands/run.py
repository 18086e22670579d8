"""`manage.py run` (make run): the whole office on one machine, until Ctrl-C."""

import http.client
import sys
import time
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, connections

from contacts import clock
from office import demo, seen, start_up, static_files
from office.children import AT_ONCE, Child, Ending, KeepsEnding, end_all

WEB_PATIENCE = 60.0  # seconds for the web process to answer
WORKER_PATIENCE = 20.0  # and then for the worker to show up
WORKER_LOOKED_AT_EVERY = 5.0
WORKER_SILENT_FOR = 35.0  # six ticks missed; with the ten seconds that it has to end it is back within the minute


class Command(BaseCommand):
    help = "Prepares the database, starts web, worker and beat, and watches them until Ctrl-C."
    requires_system_checks = []

    def handle(self, *_: Any, **__: Any) -> None:
        ending = Ending()
        try:
            check()
            prepare()
        except start_up.CannotStart as reason:
            raise CommandError(str(reason), returncode=2) from None
        except KeyboardInterrupt:
            sys.exit(130)
        ending.listen()
        children = household()
        try:
            for child in children:
                child.start()
            if wait_for_web(children, ending) and wait_for_worker(children, ending):
                self.stdout.write(welcome())
                self.stdout.flush()  # a pipe holds it back otherwise
                watch(children, ending)
        except KeepsEnding as failed:
            lines = "\n".join(failed.child.last_lines())
            raise CommandError(f"{failed} Its last lines ({failed.child.log}):\n{lines}") from None
        finally:
            end_all(children)
        self.stdout.write("The office is closed.")


def check() -> None:
    """Raise CannotStart or ImproperlyConfigured, with a sentence, where the office cannot start."""
    start_up.require_settings()
    start_up.require_folder()
    start_up.require_port(settings.PORT)
    start_up.require_database()
    start_up.require_durability()


def prepare() -> None:
    """Bring database, cache table and static files up to date; with DEMO=1 load the demo office once."""
    call_command("migrate", verbosity=0, interactive=False)
    call_command("createcachetable", verbosity=0)
    static_files.collect_if_changed()
    if settings.DEMO:
        demo.load(now=clock.now())
    connections.close_all()


def household() -> list[Child]:
    """Return the office's processes, not yet started."""
    celery = [sys.executable, "-m", "celery", "--quiet", "--app", "office"]
    commands = {
        "web": [sys.executable, "-m", "gunicorn", "--config", "python:office.serving", "office.wsgi"],
        "worker": [*celery, "worker", "--without-gossip", "--without-mingle", "--without-heartbeat"],
        "beat": [*celery, "beat"],
    }
    if settings.STRIPE_DOUBLE:
        commands["stripe"] = [sys.executable, str(settings.BASE_DIR / "manage.py"), "stripe_double"]
    return [Child(name, command, settings.DATA_DIR / f"{name}.log") for name, command in commands.items()]


def wait_for_web(children: Sequence[Child], ending: Ending) -> bool:
    """Return True when the web process answers, False where we were asked to end before; raise CommandError."""
    until = time.monotonic() + WEB_PATIENCE
    while not ending:
        if answers():
            return True
        if time.monotonic() > until:
            raise CommandError(f"The web process does not answer. Its log: {children[0].log}")
        rest(children)
    return False


def wait_for_worker(children: Sequence[Child], ending: Ending) -> bool:
    """Return True when the worker has shown up or has had time to, False where we were asked to end before."""
    begun, until = time.time(), time.monotonic() + WORKER_PATIENCE
    while not ending:
        if (seen.last("worker") or 0) >= begun - AT_ONCE or time.monotonic() > until:
            return True
        rest(children)
    return False


def answers() -> bool:
    """Return whether the web process answers at all."""
    asked = http.client.HTTPConnection(start_up.HOST, settings.PORT, timeout=2)
    try:
        asked.request("GET", "/healthz")
        asked.getresponse()
    except (OSError, http.client.HTTPException):
        return False
    finally:
        asked.close()
    return True


def rest(children: Sequence[Child]) -> None:
    """Look after the children, then wait a moment."""
    for child in children:
        child.look_after()
    time.sleep(0.2)


def watch(children: Sequence[Child], ending: Ending) -> None:
    """Look after the children until we are asked to end."""
    look_at = time.monotonic() + WORKER_LOOKED_AT_EVERY
    while not ending:
        rest(children)
        if time.monotonic() > look_at:
            wake_worker(children)
            look_at = time.monotonic() + WORKER_LOOKED_AT_EVERY


def wake_worker(children: Sequence[Child]) -> None:
    """Restart a worker that lives but takes nothing any more, and the beat that should keep it busy (FAULTS R4)."""
    worked_on = [child for child in children if child.name in {"worker", "beat"}]
    patience = WORKER_SILENT_FOR
    if any(child.process is None or time.monotonic() - child.started_at < patience for child in worked_on):
        return
    try:
        last = seen.last("worker")
    except DatabaseError:
        return  # then nobody can work, and a restart helps nobody
    if last is None or time.time() - last > patience:
        for child in worked_on:
            child.restart()


def welcome() -> str:
    """Return where the office is, and who can sign in."""
    lines = [f"{settings.OFFICE_NAME} is open: {settings.BASE_URL}", ""]
    if settings.DEMO:
        lines += [demo.sign_ins(), f"What they send arrives on the telephone at {settings.BASE_URL}/phone/", ""]
    lines.append(f"Ctrl-C closes it. Its logs are in {settings.DATA_DIR}")
    return "\n".join(lines)
