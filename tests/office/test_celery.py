"""Celery's own processes, as README starts them: an SMS leaves through them alone, on files and on Redis."""

import json
import os
import sys
import time
from datetime import timedelta

import pytest
from django.utils import timezone

from office.children import Child, end_all
from sms import submission
from sms.models import Delivery
from tests.people import person

TEXT = "canary in the mine"
CELERY = [sys.executable, "-m", "celery", "--quiet", "--app", "office"]
WORKER = [*CELERY, "worker", "--without-gossip", "--without-mingle", "--without-heartbeat"]


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "data"


@pytest.fixture
def journal(tmp_path):
    return tmp_path / "journal"


@pytest.fixture
def at_work(database, request, folder, journal, monkeypatch):
    """Run a worker and a beat on this test's database: with PostgreSQL on Redis, with SQLite on files."""
    gateways = {"memory": {"BACKEND": "sms.gateways.memory.Memory", "OPTIONS": {"journal": str(journal)}}}
    redis = f"{request.getfixturevalue('redis_url').rsplit('/', 1)[0]}/5" if database.vendor == "postgresql" else ""
    given = {
        **database.environment,
        "REDIS_URL": redis,
        "OFFICE_DATA": str(folder),
        "SMS_GATEWAYS": json.dumps(gateways),
    }
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    folder.mkdir()
    children = [Child("worker", WORKER, folder / "worker.log"), Child("beat", [*CELERY, "beat"], folder / "beat.log")]
    try:
        for child in children:
            child.start()
        yield children
    finally:
        end_all(children)


def submit(key: str, **more) -> None:
    user = person(f"user-{key}")
    to = [submission.Recipient("+32470123987", "Canarella")]
    wanted = submission.Request(user=user, text=TEXT, to=to, occasion="reminder", request_key=key, **more)
    submission.submit(wanted, now=timezone.now())


def until(true, *, children, seconds: float = 40) -> None:
    give_up = time.monotonic() + seconds
    while not true():
        if time.monotonic() > give_up:
            raise AssertionError("\n".join(line for child in children for line in child.last_lines()))
        time.sleep(0.1)


@pytest.mark.row("S20")
def test_an_sms_leaves_through_celery_alone(at_work, folder, journal):
    submit("now")
    submit("planned", release_at=timezone.now() + timedelta(seconds=1))
    until(lambda: Delivery.objects.filter(state="sent").count() == 2, children=at_work)
    assert len(journal.read_text().splitlines()) == 2
    from office import seen

    assert seen.lately("worker", now=timezone.now())

    worker, beat = (child.process for child in at_work)
    worker.terminate()
    beat.terminate()
    assert (worker.wait(20), beat.wait(20)) == (0, 0)
    said = "".join(path.read_text() for path in folder.rglob("*") if path.is_file() and path.suffix in {".log", ".msg"})
    assert not [canary for canary in (TEXT, "32470123987", "Canarella") if canary in said]
    assert '"level": "error"' not in said
    assert not list(folder.glob("celerybeat*")), "the schedule is in memory"
    assert not os.path.exists("celerybeat-schedule")
