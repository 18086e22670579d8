"""The API as a whole: its description, its door, every refusal in one shape, its page without anybody's help."""

import io
import json
from contextlib import suppress
from typing import Any

import pytest
import schemathesis
from django.core.management import call_command
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from hypothesis.strategies import SearchStrategy
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

from contacts.models import User
from office import logs
from office.api_schema import schema
from sms.models import Message
from tests.people import MOBILE, person
from tests.program import Program

EXAMPLES = 25
# what the description cannot say: which texts are numbers that get an SMS, that a card must say something
MEANING = {"POST /api/v1/sms/", *(f"{verb} /api/v1/contacts/{{contact_id}}/" for verb in ("PUT", "PATCH"))}
MEANING |= {"POST /api/v1/contacts/", "POST /api/v1/top-ups/"}


def own(name: str = "anna", **more) -> tuple[User, Program]:
    user = person(name, now=timezone.now(), **more)
    return user, Program.of(user)


def assert_refused(answer, status: int, code: str) -> None:
    assert answer.status_code == status
    assert answer["Content-Type"] == "application/json"
    told = answer.json()
    assert {"detail", "code", "fields"} <= set(told)
    assert (told["code"], bool(told["detail"]), told["fields"]) == (code, True, {})


def test_the_description_is_valid_and_complete(tmp_path) -> None:
    call_command("spectacular", "--validate", "--fail-on-warn", "--file", str(tmp_path / "schema.yaml"))
    called = {f"{verb} {path}" for path, verbs in schema()["paths"].items() for verb in verbs}
    assert called == {
        "post /api/v1/sms/quote/", "post /api/v1/sms/", "get /api/v1/sms/", "get /api/v1/sms/{message_id}/",
        "get /api/v1/sms/{message_id}/deliveries/", "post /api/v1/sms/{message_id}/cancel/", "get /api/v1/credit/",
        "get /api/v1/statement/", "get /api/v1/top-ups/", "post /api/v1/top-ups/", "get /api/v1/top-ups/{top_up_id}/",
        "get /api/v1/limits/",
        "get /api/v1/contacts/", "post /api/v1/contacts/", "get /api/v1/contacts/{contact_id}/",
        "put /api/v1/contacts/{contact_id}/", "patch /api/v1/contacts/{contact_id}/",
        "delete /api/v1/contacts/{contact_id}/", "get /api/v1/lists/", "post /api/v1/lists/",
        "get /api/v1/lists/{list_id}/", "put /api/v1/lists/{list_id}/", "delete /api/v1/lists/{list_id}/",
        "post /api/v1/lists/{list_id}/members/", "get /api/v1/groups/", "post /api/v1/groups/",
        "get /api/v1/groups/{group_id}/", "put /api/v1/groups/{group_id}/", "delete /api/v1/groups/{group_id}/",
        "post /api/v1/groups/{group_id}/members/", "put /api/v1/groups/{group_id}/members/{username}/",
        "delete /api/v1/groups/{group_id}/members/{username}/", "get /api/v1/invitations/",
        "post /api/v1/invitations/{invitation_id}/", "delete /api/v1/invitations/{invitation_id}/",
    }  # fmt: skip


@pytest.mark.django_db
def test_the_root_and_the_description_are_open(client) -> None:
    root = client.get("/api/v1/")
    assert root.json()["schema"] == "http://testserver/api/v1/schema/"
    assert client.get("/api/v1/schema/").json() == json.loads(json.dumps(schema()))
    yaml = client.get("/api/v1/schema/", headers={"Accept": "application/vnd.oai.openapi"})
    assert yaml.content.startswith(b"openapi: 3")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("header", "code"),
    [
        (None, "not_authenticated"), ("", "not_authenticated"), ("Basic YTpi", "not_authenticated"),
        ("Token", "authentication_failed"), ("Token x", "authentication_failed"),
        ("Token {key} more", "authentication_failed"), ("Token é", "authentication_failed"),
        ("Bearer {key}", "not_authenticated"), ("token  {key}", None),
    ],
)  # fmt: skip
def test_only_a_token_opens_it(header, code) -> None:
    _user, program = own()
    headers = {} if header is None else {"Authorization": header.replace("{key}", program.key)}
    answer = Client(headers=headers).get("/api/v1/credit/")
    assert answer.status_code == (401 if code else 200)
    if code:
        assert answer["WWW-Authenticate"] == "Token"
        assert_refused(answer, 401, code)


@pytest.mark.django_db
def test_who_is_signed_in_as_a_person_is_not_a_program(client) -> None:
    user, _program = own()
    client.force_login(user)
    assert_refused(client.get("/api/v1/credit/"), 401, "not_authenticated")


@pytest.mark.django_db
def test_every_refusal_has_one_shape(settings, monkeypatch) -> None:
    _user, program = own()
    client = Client(headers={"Authorization": f"Token {program.key}"}, raise_request_exception=False)
    quote = "/api/v1/sms/quote/"
    assert_refused(program.get("nowhere/"), 404, "not_found")
    assert_refused(program.get("sms/nonsense/"), 404, "not_found")
    assert_refused(program.get("sms/8e0b7c5e-0f0e-4e7c-9d4e-6b8f5c1d2a3b/"), 404, "not_found")
    assert_refused(program.call("DELETE", "sms/"), 405, "method_not_allowed")
    assert_refused(program.call("OPTIONS", "sms/"), 405, "method_not_allowed")
    assert_refused(program.get("credit/", Accept="text/html"), 406, "not_acceptable")
    assert_refused(client.post(quote, "to=1", content_type="text/plain"), 415, "unsupported_media_type")
    assert_refused(client.post(quote, "{", content_type="application/json"), 400, "parse_error")
    assert_refused(client.post(quote, b"\xff", content_type="application/json"), 400, "parse_error")
    assert_refused(client.post(quote, "[" * 100_000, content_type="application/json"), 400, "parse_error")
    assert_refused(client.post(quote, '{"to": NaN}', content_type="application/json"), 400, "parse_error")
    assert_refused(client.post(quote, '"' + "x" * 5_300_000, content_type="application/json"), 413, "too_large")
    monkeypatch.setattr("office.api.quota_of", None)
    assert_refused(program.get("credit/"), 500, "error")


@pytest.mark.django_db
def test_a_failure_elsewhere_stays_a_page(client, monkeypatch) -> None:
    client.raise_request_exception = False
    monkeypatch.setattr("office.help_pages.standing", None)
    client.force_login(person("anna"))
    answer = client.get("/help/sms/")
    assert (answer.status_code, answer["Content-Type"]) == (500, "text/html; charset=utf-8")


@pytest.fixture
def said(monkeypatch):
    """What is logged."""
    lines = io.StringIO()
    monkeypatch.setattr("sys.stderr", lines)
    logs.configure()
    yield lines
    monkeypatch.undo()
    logs.configure()


@pytest.mark.django_db
def test_nothing_personal_is_logged(said, monkeypatch) -> None:
    user, program = own("canary.name", email="canary@office.example")
    program.send("+32 475 98 76 54", text="canary text", key="canary key")
    program.send("+32 2 555 98 76", text="canary text", key="canary key 2")
    program.get("sms/?q=canary&state=canary")
    monkeypatch.setattr("sms.api.submission.submit", None)
    program.send("+32 475 98 76 54", text="canary text", key="canary key 3")
    lines = said.getvalue()
    assert "POST api/v1/sms/" in lines
    assert "TypeError" in lines
    assert [word for word in ("canary", "9876", "98 76", program.key, user.email) if word in lines] == []


def test_the_page_shows_the_calls_by_itself(open_page, transactional_db) -> None:
    """The page watches itself (tests/browser.py): no other host, no script error, no violation of the policy."""
    page = open_page()
    page.goto("/api/v1/docs/")
    page.get_by_text("/api/v1/sms/quote/").click()
    page.get_by_text("Tell what it would cost").first.wait_for()
    page.get_by_role("button", name="Authorize").first.wait_for()


def test_a_call_can_be_tried_on_the_page(open_page, transactional_db) -> None:
    _user, program = own(parts=7)
    page = open_page()
    page.goto("/api/v1/docs/")
    page.get_by_role("button", name="Authorize").first.click()
    page.get_by_label("Value").fill(f"Token {program.key}")
    page.locator(".auth-btn-wrapper").get_by_role("button", name="Apply credentials").click()
    page.locator(".auth-btn-wrapper").get_by_role("button", name="Close").click()
    page.get_by_text("/api/v1/credit/").click()
    page.get_by_role("button", name="Try it out").click()
    page.get_by_role("button", name="Execute").click()
    page.get_by_text('"granted": 7').first.wait_for()


def office() -> Any:
    """The office as a server has it, on this test's connection: between requests a server would close it."""
    serve = get_wsgi_application()

    def on_this_connection(*arguments: Any) -> Any:
        for signal in (request_started, request_finished):
            signal.disconnect(close_old_connections)
        try:
            return serve(*arguments)
        finally:
            for signal in (request_started, request_finished):
                signal.connect(close_old_connections)

    return on_this_connection


@pytest.mark.django_db
@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize("name", ["anna", "carla"])
def test_no_call_breaks_the_description(name, mode) -> None:
    """Schemathesis plays right and wrong calls; it cannot know which texts are numbers that get an SMS."""
    people = {each: own(each, parts=1_000) for each in ("anna", "carla")}
    ids = {each: program.send(MOBILE, text="x").json()["id"] for each, (_user, program) in people.items()}
    headers = {"Authorization": f"Token {people[name][1].key}"}
    described = schemathesis.openapi.from_wsgi("/api/v1/schema/", office())
    described.config.generation.with_security_parameters = False  # else it makes up a token for each call
    played: set[int] = set()
    for each in described.get_all_operations():
        operation = each.ok()
        for message_id in ids.values() if "{message_id}" in operation.path else [None]:
            given = {"path_parameters": {"message_id": message_id}} if message_id else {}
            excluded = [positive_data_acceptance] if operation.label in MEANING else []
            statuses = play(operation.as_strategy(mode, **given), headers, excluded)
            played |= statuses
            if message_id and message_id != ids[name]:
                assert statuses <= {404}
    assert played >= {400 if mode is GenerationMode.NEGATIVE else 200}
    [other] = set(people) - {name}
    assert Message.objects.get(user=people[other][0]).deliveries.get().state == "queued"


def play(cases: SearchStrategy[schemathesis.Case], headers: dict[str, str], excluded: list[Any]) -> set[int]:
    """Make the calls and judge the answers; return the statuses that there were."""
    statuses = set()

    @settings(
        max_examples=EXAMPLES, deadline=None, database=None, derandomize=True, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(cases)
    def call(case: schemathesis.Case) -> None:
        statuses.add(case.call_and_validate(headers=headers, excluded_checks=excluded).status_code)

    with suppress(Unsatisfiable):  # a call without parameters cannot be wrong
        call()
    return statuses
