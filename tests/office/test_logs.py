"""S1 of FAULTS: no number, text, name, address or query is ever in a log; each request has one line, with its id."""

import io
import logging

import pytest
import structlog
from celery import shared_task
from django.db import IntegrityError, connection
from django.utils import timezone

from contacts.models import User
from office import logs
from sms import dispatch, submission
from sms.gateways import configured
from sms.gateways.memory import BEHAVIOURS, Behaviour
from sms.models import Delivery
from tests.log_lines import found_in
from tests.people import person
from tests.program import Program

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
def anna(db):
    return person("anna", first_name=CANARIES["name"], email=CANARIES["mail"], mobile=CANARIES["number"])


def assert_no_canary(lines):
    assert lines, "nothing was logged, so nothing was shown"
    assert found_in(lines, CANARIES.values()) == []


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


def memory(settings, **options):
    settings.SMS_GATEWAYS = {"memory": {"BACKEND": "sms.gateways.memory.Memory", "OPTIONS": options}}
    return configured.gateway("memory")


def submit(anna, key="k"):
    to = [submission.Recipient(CANARIES["number"], CANARIES["name"])]
    wanted = submission.Request(user=anna, text=CANARIES["text"], to=to, occasion="form", request_key=key)
    return submission.submit(wanted, now=timezone.now()).message


def test_sending_an_sms_by_a_task_leaves_no_trace_of_it(anna, lines, settings, transactional_db):
    from office.celery import app
    from sms.tasks import drain

    memory(settings, script=["raise_in_send_after"])
    submit(anna)
    assert app.tasks["sms.tasks.drain"] == drain
    drain.apply(args=("memory",))
    assert [line["event"] for line in lines() if line["event"] == "handed_over"]
    assert_no_canary(lines())


@pytest.mark.parametrize("behaviour", sorted(BEHAVIOURS))
def test_however_a_call_ends_the_line_holds_its_ids_alone(behaviour, anna, lines, settings, transactional_db):
    memory(settings, script=[behaviour])
    submit(anna)
    dispatch.drain("memory", clock=timezone.now)
    assert_no_canary(lines())


@pytest.mark.parametrize("step", ["prepare", "answer"])
def test_what_an_adapter_says_as_it_stumbles_is_not_repeated(step, anna, lines, settings, transactional_db):
    stumbled = ValueError(f"{CANARIES['number']} {CANARIES['text']}")
    memory(settings).play([Behaviour(**{step: stumbled})])
    message = submit(anna)
    dispatch.drain("memory", clock=timezone.now)
    assert_no_canary(lines())
    [delivery] = message.deliveries.all()
    assert "ValueError" in delivery.reason
    assert found_in([{"reason": delivery.reason}], CANARIES.values()) == []


def test_one_id_leads_from_the_request_to_the_gateways_own_log(anna, lines, settings, transactional_db):
    gateway = memory(settings)
    answer = Program.of(anna).send(CANARIES["number"], text=CANARIES["text"])
    dispatch.drain("memory", clock=timezone.now)
    by_event = {line["event"]: line for line in lines()}
    accepted, handed_over = by_event["sms_accepted"], by_event["handed_over"]
    assert by_event["request_finished"]["request_id"] == accepted["request_id"]
    assert accepted["messages"] == [answer.json()["id"]]
    [reference] = [arrived.reference for arrived in gateway.arrivals()]
    assert handed_over["calls"] == {"accepted": [f"{answer.json()['id']}/{reference}/1"]}
    assert Delivery.objects.get().pk == int(reference)
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
