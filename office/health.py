"""`/healthz`: this process answers. `/readyz`: the office can accept an SMS and somebody hands it over. No secrets.

Celery's broker is not needed to be ready: the dispatcher works without it, so a broker that is away is "degraded".
"""

from collections.abc import Callable
from datetime import datetime
from functools import cache

from celery import current_app
from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from contacts import clock
from credit import triggers as credit_triggers
from credit.books import missing_triggers
from office import seen
from sms import triggers as sms_triggers

BROKER_PATIENCE = 0.5  # seconds
MISSING, OK, AWAY = "missing", "ok", "away"


class NotYet(Exception):
    """A check that will not stay true by itself; raised so that only good answers are remembered."""


@never_cache
@require_safe
def healthz(_request: HttpRequest) -> HttpResponse:
    """Say that this process answers; asks nobody, not even the database."""
    return JsonResponse({"status": "alive"})


@never_cache
@require_safe
def readyz(_request: HttpRequest) -> HttpResponse:
    """Say what works: 200 when the office is ready, be it without its broker, else 503."""
    found = readiness(now=clock.now())
    return JsonResponse(found, status=503 if found["status"] == "not ready" else 200)


def readiness(*, now: datetime) -> dict[str, str]:
    """Return the outcome of each check by its name, and the "status" that follows: ready, degraded or not ready."""
    found = {name: check(now) for name, check in _NEEDED.items()}
    found["broker"] = broker()
    if any(found[name] != OK for name in _NEEDED):
        return {"status": "not ready", **found}
    return {"status": "ready" if found["broker"] == OK else "degraded", **found}


def _database(_now: datetime) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return OK


def _migrations(_now: datetime) -> str:
    return MISSING if migrations_wait() else OK


def migrations_wait() -> bool:
    """Return whether a migration is not applied; raises DatabaseError."""
    try:
        _require_migrations()
    except NotYet:
        return True
    return False


def _triggers(_now: datetime) -> str:
    return MISSING if missing_triggers((*credit_triggers.NAMES, *sms_triggers.NAMES)) else OK


def _gateways(_now: datetime) -> str:
    return OK if settings.SMS_GATEWAYS else MISSING


def _workers(now: datetime) -> str:
    return OK if seen.anybody(now=now) else AWAY


def _answered(check: Callable[[datetime], str]) -> Callable[[datetime], str]:
    """Return the check as one that says "away" where the database does not answer."""

    def ask(now: datetime) -> str:
        try:
            return check(now)
        except DatabaseError:
            return AWAY

    return ask


_NEEDED = {
    "database": _answered(_database),
    "migrations": _answered(_migrations),
    "triggers": _answered(_triggers),
    "gateways": _answered(_gateways),
    "workers": _answered(_workers),
}


@cache
def _require_migrations() -> None:
    """Raise NotYet where a migration waits. Reading them all is slow and what is applied stays applied: remembered."""
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        raise NotYet


def broker() -> str:
    """Return whether Celery's broker answers: "ok" or "away", within a second."""
    patience = {"socket_timeout": BROKER_PATIENCE, "socket_connect_timeout": BROKER_PATIENCE, "max_retries": 0}
    try:
        with current_app.connection_for_write(transport_options=patience, connect_timeout=BROKER_PATIENCE) as asked:
            asked.ensure_connection(max_retries=0)
    except Exception:  # whatever the broker's client may raise
        return AWAY
    return OK
