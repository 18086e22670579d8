"""What stops the start says so in one sentence that names what to change, and ends with exit code 2."""

import json
import os
import socket
import subprocess
import sys

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.db import connection

from office import health, start_up
from office.start_up import CannotStart
from tests.people import person
from tests.servers import PROJECT, programs


def manage(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", *words],
        cwd=PROJECT, env={**os.environ, **environment}, check=False, capture_output=True, text=True, timeout=60,
    )  # fmt: skip


def test_a_free_port_is_free_and_a_taken_one_is_named():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(CannotStart, match=f"PORT={port} is in use"):
            start_up.require_port(port)
    start_up.require_port(programs.free_port())


def test_no_such_port():
    with pytest.raises(CannotStart, match="PORT=99999"):
        start_up.require_port(99999)


def test_a_folder_that_cannot_be_is_named(settings, tmp_path):
    (tmp_path / "file").touch()
    settings.DATA_DIR = tmp_path / "file" / "data"
    with pytest.raises(CannotStart, match="OFFICE_DATA"):
        start_up.require_folder()
    settings.DATA_DIR = tmp_path / "new"
    start_up.require_folder()
    assert settings.DATA_DIR.stat().st_mode & 0o777 == 0o700


def test_outside_the_demo_gateways_and_sender_are_needed(settings):
    settings.SMS_GATEWAYS, settings.SMS_SENDER = {}, ""
    with pytest.raises(ImproperlyConfigured) as refused:
        start_up.require_settings()
    assert "SMS_GATEWAYS" in str(refused.value)
    assert "SMS_SENDER" in str(refused.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SMS_PRICE", "cheap"),
        ("DEMO", "perhaps"),
        ("TIME_ZONE", "Europe/Brussel"),
        ("SMS_SENDERS", "typing error"),
        ("DATABASE_URL", "mysql://localhost/office"),
        ("DATABASE_ALLOW", "everything"),
        ("SECRET_KEY_FALLBACKS", "short"),
    ],
)
def test_a_bad_setting_is_one_sentence_and_exit_2(name, value):
    done = manage("run", **{name: value})
    assert done.returncode == 2
    assert name in done.stderr
    assert "Traceback" not in done.stderr


def test_run_says_that_its_port_is_taken(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = manage("run", DEMO="1", PORT=port, OFFICE_DATA=str(tmp_path), DATABASE_URL="")
    assert done.returncode == 2
    assert f"PORT={port}" in done.stderr
    assert "Traceback" not in done.stderr


def test_run_says_that_the_database_is_away(tmp_path):
    url = f"postgresql://office@127.0.0.1:{programs.free_port()}/office"
    done = manage("run", DEMO="1", PORT=str(programs.free_port()), OFFICE_DATA=str(tmp_path), DATABASE_URL=url)
    assert done.returncode == 2
    assert "DATABASE_URL" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", [["worker"], ["beat"]])
def test_a_worker_without_gateways_does_not_start(command, tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "celery", "--quiet", "--app", "office", *command],
        cwd=PROJECT, env={**os.environ, "SMS_GATEWAYS": "{}", "OFFICE_DATA": str(tmp_path)},
        check=False, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 2
    assert "SMS_GATEWAYS is empty" in done.stderr


@pytest.mark.django_db(transaction=True)
def test_a_database_that_is_older_than_the_office_is_refused():
    health._require_migrations.cache_clear()
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'sms'")
    with pytest.raises(CannotStart, match=r"manage\.py migrate"):
        start_up.require_migrations()
    call_command("migrate", "sms", fake=True, verbosity=0)
    start_up.require_migrations()


@pytest.mark.django_db
def test_a_zone_that_this_machine_does_not_know_is_named():
    person("anna", time_zone="Europe/Brussels")
    person("ben")
    start_up.require_time_zones()
    person("carla", time_zone="Mars/Olympus_Mons")
    with pytest.raises(CannotStart, match="Mars/Olympus_Mons"):
        start_up.require_time_zones()


@pytest.mark.django_db
def test_a_database_that_comes_back_soon_is_waited_for(monkeypatch):
    from django.db import OperationalError

    answers = iter([OperationalError("starting up"), OperationalError("starting up"), None])

    def connect():
        answer = next(answers)
        if answer:
            raise answer

    monkeypatch.setattr(connection, "ensure_connection", connect)
    monkeypatch.setattr("office.start_up.time.sleep", lambda _seconds: None)
    start_up.require_database(patience=60)
    assert next(answers, "asked three times") == "asked three times"


GUNICORN = [sys.executable, "-m", "gunicorn", "--config", "python:office.serving", "--check-config", "office.wsgi"]
WORKER = [sys.executable, "-m", "celery", "--quiet", "--app", "office", "worker"]


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)  # SQLite is made durable by its settings
@pytest.mark.parametrize("command", [GUNICORN, WORKER, [sys.executable, "manage.py", "dispatcher"]])
def test_no_process_serves_on_a_database_that_may_forget(database, command, tmp_path):
    done = subprocess.run(
        command,
        cwd=PROJECT, env={**database.environment, "DATABASE_ALLOW": "", "OFFICE_DATA": str(tmp_path)},
        check=False, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode
    assert "Set fsync = on" in done.stderr


def test_the_office_starts_without_its_broker_and_says_so(database, tmp_path):
    nowhere = f"redis://127.0.0.1:{programs.free_port()}/0"
    done = subprocess.run(
        GUNICORN,
        cwd=PROJECT, env={**database.environment, "REDIS_URL": nowhere, "OFFICE_DATA": str(tmp_path)},
        check=False, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stderr.splitlines() if line.startswith("{")]
    assert "broker_is_away" in [line["event"] for line in lines]
