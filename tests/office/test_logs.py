"""S1 of FAULTS: no number, text, name, address or query is ever in a log; each request has one line, with its id."""

import io
import json
import logging

import pytest
import structlog
from celery import shared_task
from django.db import IntegrityError, connection

from contacts.models import User
from office import logs
from sms import submission
from tests.people import person

CANARIES = {
    "name": "Canarella",
    "mail": "canary@example.com",
    "number": "+32470999888",
    "text": "the canary sings at nine",
    "query": "canaryquery",
    "address": "203.0.113.77",
    "agent": "CanaryBrowser",
}


@pytest.fixture
def lines(monkeypatch):
    """Return a function that gives what was logged so far, one dictionary a line."""
    said = io.StringIO()
    monkeypatch.setattr("sys.stderr", said)
    logs.configure()
    yield lambda: [json.loads(line) for line in said.getvalue().splitlines()]
    monkeypatch.undo()
    logs.configure()


@pytest.fixture
def anna(db):
    return person("anna", first_name=CANARIES["name"], email=CANARIES["mail"], mobile=CANARIES["number"])


def assert_no_canary(lines):
    text = json.dumps(lines, ensure_ascii=False).casefold()
    found = [kind for kind, canary in CANARIES.items() if canary.casefold() in text]
    assert lines, "nothing was logged, so nothing was shown"
    assert found == []


def browse(client, path, **more):
    return client.get(
        path,
        {"q": CANARIES["query"]},
        REMOTE_ADDR=CANARIES["address"],
        headers={"User-Agent": CANARIES["agent"]},
        **more,
    )


def test_a_request_is_one_line_with_its_id_and_route(client, anna, lines):
    client.force_login(anna)
    browse(client, "/sms/")
    [line] = lines()
    assert line["event"] == "request_finished"
    assert line["request"] == "GET sms/"
    assert line["code"] == 200
    assert line["request_id"]
    assert_no_canary(lines())


def test_a_page_that_is_not_there_leaves_no_trace_of_its_address(client, anna, lines):
    client.force_login(anna)
    browse(client, f"/{CANARIES['query']}/")
    [line] = lines()
    assert line["code"] == 404
    assert_no_canary(lines())


def test_a_page_that_fails_says_where_and_not_what(client, anna, lines, monkeypatch):
    def fail(*_args, **_kwargs):
        raise ValueError(CANARIES["text"])

    monkeypatch.setattr("office.health.readiness", fail)
    client.raise_request_exception = False
    assert browse(client, "/readyz").status_code == 500
    [line] = lines()
    assert line["event"] == "request_failed"
    assert line["exception_type"] == "ValueError"
    assert any(place.startswith("office/health.py:") for place in line["exception_at"])
    assert line["request_id"]
    assert_no_canary(lines())


def test_sending_an_sms_by_a_task_leaves_no_trace_of_it(anna, lines, settings, transactional_db):
    from django.utils import timezone

    from office.celery import app
    from sms.tasks import drain

    settings.SMS_GATEWAYS = {
        "memory": {"BACKEND": "sms.gateways.memory.Memory", "OPTIONS": {"script": ["raise_in_send_after"]}}
    }
    to = [submission.Recipient(CANARIES["number"], CANARIES["name"])]
    wanted = submission.Request(user=anna, text=CANARIES["text"], to=to, occasion="form", request_key="k")
    submission.submit(wanted, now=timezone.now())
    assert app.tasks["sms.tasks.drain"] == drain
    drain.apply(args=("memory",))
    structlog.get_logger("sms").info("drained", gateway="memory")
    assert_no_canary(lines())


def test_a_task_that_fails_says_where_and_not_what(lines):
    from django_structlog.celery.receivers import CeleryReceiver

    @shared_task(name="tests.failing")
    def failing():
        raise ValueError(CANARIES["text"])

    receiver = CeleryReceiver()
    receiver.connect_worker_signals()
    failing.apply()
    [line] = [line for line in lines() if line["event"] == "task_failed"]
    assert line["exception_type"] == "ValueError"
    assert line["task_id"]
    assert_no_canary(lines())


def test_a_database_that_quotes_the_row_is_not_repeated(anna, lines):
    try:
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO contacts_group (name, created_at) VALUES (NULL, NULL)")
    except IntegrityError:
        logging.getLogger("sms.dispatch").exception("dispatch.failed %s", CANARIES["number"])
        structlog.get_logger("sms").exception("failed", error=CANARIES["text"])
    assert [line["exception_type"] for line in lines()] == ["IntegrityError"] * 2
    assert_no_canary(lines())


@pytest.mark.parametrize(
    "said",
    [
        ("cannot mail %s", CANARIES["mail"]),
        (f"cannot mail {CANARIES['mail']}",),
        (f"number {CANARIES['number']} is bad",),
        ("number +32 470 99 98 88 is bad",),
        ("%(name)s", {"name": CANARIES["name"]}),
    ],
)
def test_of_a_librarys_line_the_sentence_stays_and_the_values_go(lines, said):
    logging.getLogger("library").warning(*said)
    [line] = lines()
    assert line["event"]
    assert "99 98" not in line["event"]
    assert_no_canary(lines())


def test_what_our_code_says_is_kept(lines):
    structlog.get_logger("sms").warning("gateway_held", gateway="ours", count=3)
    [line] = lines()
    assert (line["event"], line["gateway"], line["count"], line["level"]) == ("gateway_held", "ours", 3, "warning")
    assert line["timestamp"].endswith("Z")


def test_a_person_at_a_terminal_gets_plain_lines(monkeypatch):
    said = io.StringIO()
    said.isatty = lambda: True
    monkeypatch.setattr("sys.stderr", said)
    logs.configure()
    structlog.get_logger("sms").info("gateway_held", gateway="ours")
    monkeypatch.undo()
    logs.configure()
    assert "gateway_held" in said.getvalue()
    assert not said.getvalue().startswith("{")


def test_the_ids_of_users_stay_out_too(client, anna, lines):
    client.force_login(anna)
    browse(client, "/healthz")
    assert "user_id" not in lines()[-1]
    assert User.objects.filter(pk=anna.pk).exists()
