"""What must be true before the office starts; each problem is one sentence that names what to change."""

import gc
import os
import socket
import time
import zoneinfo
from collections.abc import Callable
from datetime import datetime

import structlog
from django.conf import settings
from django.core.checks import ERROR, run_checks
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, connection
from django.utils import timezone

from contacts.models import User
from office import durability, health
from sms.checks import SERVING

HOST = "127.0.0.1"
DATABASE_PATIENCE = 30.0  # seconds; one that restarts is back before, and a supervisor tries us again
ZONES_NAMED = 5

log = structlog.get_logger(__name__)


class CannotStart(Exception):
    """The office cannot start here and now; the text is a sentence for whoever typed the command."""


def require_settings() -> None:
    """Raise ImproperlyConfigured with a sentence for each setting that keeps this office from serving."""
    found = run_checks(tags=[SERVING], include_deployment_checks=True)
    problems = [problem for problem in found if problem.level >= ERROR]
    if problems:
        raise ImproperlyConfigured("\n".join(f"{problem.msg} {problem.hint or ''}".strip() for problem in problems))


def require_port(port: int) -> None:
    """Raise CannotStart where something else listens at this port of this machine."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except PermissionError:
            raise CannotStart(f"PORT={port} is kept for the system here. Choose a higher one: PORT=8001.") from None
        except (OSError, OverflowError):
            raise CannotStart(
                f"PORT={port} is in use on this machine or is no port. Stop what uses it, or choose another: PORT=8001."
            ) from None


def require_folder() -> None:
    """Make the folder of the office's data; raise CannotStart where it cannot be written."""
    try:
        settings.DATA_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise CannotStart(f"OFFICE_DATA={settings.DATA_DIR} cannot be made: {error.strerror}.") from None
    if not os.access(settings.DATA_DIR, os.W_OK | os.X_OK):
        raise CannotStart(f"OFFICE_DATA={settings.DATA_DIR} cannot be written.")


def require_database(*, patience: float = 0.0) -> None:
    """Raise CannotStart where the database does not answer within `patience` seconds."""
    give_up = time.monotonic() + patience
    while True:
        try:
            return connection.ensure_connection()
        except DatabaseError as error:
            if time.monotonic() > give_up:
                raise CannotStart(f"DATABASE_URL: the database does not answer. It said: {error}".strip()) from None
        time.sleep(0.5)


def require_durability(*, clock: Callable[[], datetime] = timezone.now) -> None:
    """Raise CannotStart, with a sentence each, where PostgreSQL could lose what it took, or its clock is not ours."""
    problems = durability.doubts(allowed=settings.DATABASE_ALLOW)
    apart = durability.clocks_apart(clock)
    if apart > durability.CLOCKS_APART:
        cure = "Let both machines follow a time server (NTP)."
        problems.append(
            f"The clocks of this machine and of the database are {round(apart.total_seconds())} s apart. {cure}"
        )
    if problems:
        raise CannotStart("\n".join(problems))


def require_migrations() -> None:
    """Raise CannotStart where the database is older than this office."""
    if health.migrations_wait():
        raise CannotStart("The database is older than this office. Run: python manage.py migrate")


def require_time_zones() -> None:
    """Raise CannotStart where the time-zone data lacks a zone that a user lives in."""
    used = User.objects.exclude(time_zone="").order_by().values_list("time_zone", flat=True).distinct()
    missing = sorted(name for name in used if not _is_zone(name))
    if missing:
        raise CannotStart(
            f"The time-zone data of this machine lacks {', '.join(missing[:ZONES_NAMED])}, where users live."
            " Install the newest tzdata: uv sync --upgrade-package tzdata"
        )


def require_office() -> None:
    """Raise CannotStart or ImproperlyConfigured where this process could not serve. A broker that is away is only said.

    Without its broker the office accepts and the dispatcher sends, so it starts (FAULTS R3).
    """
    require_settings()
    require_database(patience=DATABASE_PATIENCE)
    require_durability()
    require_migrations()
    require_time_zones()
    connection.close()
    if health.broker() != health.OK:
        log.warning("broker_is_away", then="the dispatcher sends without it; REDIS_URL says where it should be")
    gc.freeze()  # what is here now stays: no list of 10,000 makes the collector go through it again


def _is_zone(name: str) -> bool:
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        return False
    return True
