"""What must be true before the office starts; each problem is one sentence that names what to change."""

import os
import socket

from django.conf import settings
from django.core.checks import ERROR, run_checks
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, connection

from office import standbys
from sms.checks import SERVING

HOST = "127.0.0.1"


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


def require_serving() -> None:
    """Raise ImproperlyConfigured where settings or the database's standbys keep this office from serving."""
    require_settings()
    standbys.require_synchronous()


def require_folder() -> None:
    """Make the folder of the office's data; raise CannotStart where it cannot be written."""
    try:
        settings.DATA_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise CannotStart(f"OFFICE_DATA={settings.DATA_DIR} cannot be made: {error.strerror}.") from None
    if not os.access(settings.DATA_DIR, os.W_OK | os.X_OK):
        raise CannotStart(f"OFFICE_DATA={settings.DATA_DIR} cannot be written.")


def require_database() -> None:
    """Raise CannotStart where the database does not answer."""
    try:
        connection.ensure_connection()
    except DatabaseError as error:
        raise CannotStart(f"DATABASE_URL: the database does not answer. It said: {error}".strip()) from None
