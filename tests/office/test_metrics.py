"""/metrics: right figures for who brings the token, in few statements, from every process; nothing for anybody else."""

import subprocess
import sys
import time
import urllib.request
from datetime import timedelta

import pytest
from django.db import DatabaseError
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from office import metrics, seen
from sms import dispatch, holding, slots, submission
from sms.gateways import configured
from sms.models import KeptReceipt
from tests.people import numbers, person
from tests.servers import PROJECT, programs

TOKEN = "a-token-of-the-tests-only"
MEMORY = {"BACKEND": "sms.gateways.memory.Memory", "OPTIONS": {}}


@pytest.fixture
def token(settings):
    settings.METRICS_TOKEN = TOKEN
    settings.SMS_GATEWAYS = {"memory": MEMORY, "spare": MEMORY}


def ask(client, given: str = f"Bearer {TOKEN}"):
    return client.get("/metrics", headers={"Authorization": given})


def read(text: str) -> dict[tuple[str, ...], float]:
    """Return the figures by name and the values of their labels, which stand in the order of the labels' names."""
    families = text_string_to_metric_families(text)
    return {(each.name, *each.labels.values()): each.value for family in families for each in family.samples}


def figures(client) -> dict[tuple[str, ...], float]:
    answer = ask(client)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/plain")
    return read(answer.content.decode())


def send(count: int, key: str = "k") -> None:
    to = [submission.Recipient(number) for number in numbers(count)]
    wanted = submission.Request(person(key), "See you at 9", to, "form", key)
    submission.submit(wanted, now=timezone.now())


@pytest.mark.parametrize("given", ["", "Bearer ", "Bearer wrong", TOKEN, f"Token {TOKEN}", "Bearer é"])
def test_nobody_without_the_token_learns_that_it_is_there(client, db, token, given):
    assert ask(client, given).status_code == 404


@pytest.mark.parametrize("given", ["", "Bearer ", "Bearer None"])
def test_without_a_token_in_the_settings_there_is_no_such_page(client, db, settings, given):
    settings.METRICS_TOKEN = ""
    assert ask(client, given).status_code == 404


@pytest.mark.django_db(transaction=True)
def test_what_waits_and_what_left(client, token):
    configured.gateway("memory").play(["refuse", "time_out_after"])
    send(3)
    found = figures(client)
    assert found["office_deliveries", "memory", "queued"] == 3
    assert found["office_deliveries", "spare", "queued"] == 0
    assert 0 <= found["office_oldest_due_seconds", "memory"] < 60
    later = read(metrics.generate_latest(registry(timezone.now() + timedelta(minutes=2))).decode())
    assert 120 <= later["office_oldest_due_seconds", "memory"] < 180
    dispatch.drain("memory", clock=timezone.now)
    found = figures(client)
    assert found["office_deliveries", "memory", "queued"] == 0
    assert found["office_deliveries", "memory", "unknown"] == 1
    assert found["office_deliveries_ended_lately", "memory", "sent"] == 1
    assert found["office_deliveries_ended_lately", "memory", "refused"] == 1


def registry(now):
    made = metrics.CollectorRegistry()
    made.register(metrics.Figures(now=now))
    return made


@pytest.mark.django_db(transaction=True)
def test_who_rests_who_is_held_and_who_works(client, token):
    now = timezone.now()
    slots.take("spare", owner=1, now=now)
    slots.note_failures("spare", count=5, why="away", retry_after=None, now=now)
    seen.record("worker", now=now - timedelta(seconds=30))
    row = {"gateway": "memory", "ours": 1, "left": True, "came_at": now}
    KeptReceipt.objects.create(**row, look_at=now - timedelta(seconds=1))
    KeptReceipt.objects.create(**row, look_at=now + timedelta(hours=1))
    found = figures(client)
    assert (found["office_gateway_resting", "spare"], found["office_gateway_resting", "memory"]) == (1, 0)
    assert found["office_gateway_failures", "spare"] == 5
    assert found["office_gateway_held", "memory"] == 0
    assert 30 <= found["office_last_seen_seconds", "worker"] < 60
    assert ("office_last_seen_seconds", "dispatcher") not in found
    assert (found["office_receipts_kept",], found["office_receipts_due",]) == (2, 1)
    holding.hold(why="a look first", now=now)
    assert figures(client)["office_gateway_held", "memory"] == 1


@pytest.mark.django_db(transaction=True)
def test_few_statements_whatever_the_number(client, token, settings, django_assert_num_queries):
    settings.SMS_GATEWAYS = {f"g{index}": MEMORY for index in range(30)}
    send(20)
    with django_assert_num_queries(6):
        ask(client)


def test_a_database_that_is_away_is_a_figure(client, db, token, monkeypatch):
    def fail(**_):
        raise DatabaseError

    assert figures(client)["office_database_up",] == 1
    monkeypatch.setattr("office.gateway_figures.waiting", fail)
    found = figures(client)
    assert found["office_database_up",] == 0
    assert ("office_deliveries", "memory", "queued") not in found


def test_requests_by_view_and_status_and_never_by_what_a_caller_invents(client, db, token):
    before = figures(client)
    client.get("/sms/")
    client.get("/canary/?q=canary")
    client.generic("CANARY", "/healthz")
    answer = ask(client).content.decode()
    found = read(answer)
    for labels in (("GET", "302", "sms:compose"), ("GET", "404", "none"), ("other", "405", "healthz")):
        assert found["office_requests_total", *labels] == before.get(("office_requests_total", *labels), 0) + 1
    assert found["office_request_seconds_count", "sms:compose"] >= 1
    assert "canary" not in answer.lower()


def test_all_processes_of_a_server_are_counted(database, tmp_path):
    port = programs.free_port()
    command = [sys.executable, "-m", "gunicorn", "--config", "python:office.serving", "--workers", "3"]
    environ = {**database.environment, "METRICS_TOKEN": TOKEN, "OFFICE_DATA": str(tmp_path), "TMPDIR": str(tmp_path)}
    server = subprocess.Popen([*command, "--bind", f"127.0.0.1:{port}", "office.wsgi"], cwd=PROJECT, env=environ)
    try:
        wait(lambda: programs.accepts(port) and get(port, "/healthz"))
        begun = counted(port)
        for _ in range(60):
            get(port, "/healthz")
        assert {counted(port) for _ in range(10)} == {begun + 60}  # whichever process answers
    finally:
        server.terminate()
        server.wait(20)
    assert not list(tmp_path.glob("office-metrics-*"))


def counted(port: int) -> float:
    return read(get(port, "/metrics"))["office_requests_total", "GET", "200", "healthz"]


def get(port: int, path: str) -> str:
    wanted = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers={"Authorization": f"Bearer {TOKEN}"})
    with urllib.request.urlopen(wanted, timeout=20) as answer:
        return answer.read().decode()


def wait(ready) -> None:
    end_at = time.monotonic() + 60
    while not ready():
        assert time.monotonic() < end_at
        time.sleep(0.1)
