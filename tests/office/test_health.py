"""/healthz asks nobody; /readyz says what is missing, in a few words without a secret."""

from datetime import timedelta

import pytest
from celery import current_app
from django.core.management import call_command
from django.db import DatabaseError, connection
from django.utils import timezone

from office import health, seen
from tests.servers import programs

pytestmark = pytest.mark.django_db


@pytest.fixture
def worker():
    seen.record("worker", now=timezone.now())


def ready(client, expected: int) -> dict[str, str]:
    answer = client.get("/readyz")
    assert answer.status_code == expected, answer.content
    assert "no-store" in answer.headers["Cache-Control"]
    return answer.json()


def test_alive_without_a_question_to_the_database(client, django_assert_num_queries):
    with django_assert_num_queries(0):
        answer = client.get("/healthz")
    assert answer.status_code == 200
    assert answer.json() == {"status": "alive"}


@pytest.mark.usefixtures("worker", "redis_url")
def test_ready_when_everything_is_there(client):
    found = ready(client, 200)
    assert found.pop("status") == "ready"
    assert set(found) == {"database", "migrations", "triggers", "gateways", "workers", "broker"}
    assert set(found.values()) == {"ok"}


def test_not_ready_where_nobody_hands_over(client):
    seen.record("worker", now=timezone.now() - seen.LATELY)
    found = ready(client, 503)
    assert (found["status"], found["workers"]) == ("not ready", "away")
    seen.record("dispatcher", now=timezone.now() - seen.LATELY + timedelta(seconds=5))
    assert ready(client, 200)["workers"] == "ok"


@pytest.mark.usefixtures("worker")
def test_degraded_but_ready_without_the_broker(client, monkeypatch):
    nowhere = f"redis://127.0.0.1:{programs.free_port()}/0"
    original = current_app.connection_for_write
    app = current_app._get_current_object()
    monkeypatch.setattr(app, "connection_for_write", lambda **how: original(nowhere, **how))
    found = ready(client, 200)
    assert (found["status"], found["broker"]) == ("degraded", "away")


@pytest.mark.usefixtures("worker")
def test_not_ready_without_a_gateway(client, settings):
    settings.SMS_GATEWAYS = {}
    assert ready(client, 503)["gateways"] == "missing"


@pytest.mark.usefixtures("worker")
def test_not_ready_without_a_trigger(client):
    with connection.cursor() as cursor:
        cursor.execute("DROP TRIGGER entry_is_never_deleted ON credit_entry")
    assert ready(client, 503)["triggers"] == "missing"


@pytest.mark.usefixtures("worker")
def test_not_ready_while_a_migration_waits(client, transactional_db):
    seen.record("worker", now=timezone.now())
    health._require_migrations.cache_clear()
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'sms'")
    assert ready(client, 503)["migrations"] == "missing"
    call_command("migrate", "sms", fake=True, verbosity=0)
    assert ready(client, 200)["migrations"] == "ok"


@pytest.mark.usefixtures("worker")
def test_a_database_that_is_away_is_said_and_tells_no_secret(client, monkeypatch):
    def fail(*_):
        raise DatabaseError("password of office is 1234")

    monkeypatch.setattr(connection, "cursor", fail)
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["database"] == "away"
    assert b"1234" not in answer.content


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_both_are_public_read_only_and_asked_without_tls(client, path, settings):
    settings.SECURE_SSL_REDIRECT = True
    assert client.get(path).status_code in {200, 503}
    assert client.post(path).status_code == 405
