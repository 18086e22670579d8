"""Every address × every actor × every verb. Who is not signed in gets in nowhere but by the doors, another's object
does not exist, every answer carries the content security policy. A new address without an entry here fails.
"""

import uuid
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from django.utils import timezone

from contacts import notices
from contacts.models import Notice, User
from sms.models import Delivery
from sms.submission import Recipient, Request, submit
from tests.architecture.routes import ADMIN, OWN, ROUTES, Route
from tests.people import MOBILE, person

VERBS = ("get", "head", "post", "put", "patch", "delete")
# open to everybody: the doors themselves, what machines ask, and the demo's telephone (404 outside the demo)
OPEN = {
    "account_inactive",
    "account_login",
    "account_logout",
    "account_reset_password",
    "account_reset_password_done",
    "account_reset_password_from_key",
    "account_reset_password_from_key_done",
    "handset",
    "handset_receipt",
    "healthz",
    "proof",
    "proof_json",
    "readyz",
    "receipts",
    "set_language",
}
# a word in an address that names no object of anybody's
WORDS = {"tool": "sms", "alias": "memory", "uidb36": "1", "key": "set-password", "app_label": "credit"}
ADMIN_DOORS = {"admin:login", "admin:logout"}
pytestmark = pytest.mark.django_db


def named(route: Route) -> str:
    return route.name


def nobody_has(value: Any) -> Any:
    """The like of a number or UUID in an address, of nothing that exists."""
    return uuid.uuid4() if isinstance(value, uuid.UUID) else 10**9


def path_of(route: Route, objects: dict[str, Any]) -> str:
    handset_has_numbers = {"message_id": 1} if route.name == "handset_receipt" else {}
    return route.path(dict.fromkeys(route.parameters, "1") | objects | WORDS | handset_has_numbers)


def client_of(user: User | None) -> Client:
    client = Client(raise_request_exception=False)
    if user:
        client.force_login(user)
    return client


@pytest.fixture
def anna() -> User:
    return person("anna")


@pytest.fixture
def objects(anna: User) -> dict[str, Any]:
    """What stands in an address, by its parameter's name: Anna's own objects."""
    now = timezone.now()
    wanted = Request(user=anna, text="See you at 9", to=[Recipient(MOBILE)], occasion="form", request_key="k1")
    message = submit(wanted, now=now).message
    notices.tell(notices.News(user_id=anna.pk, key="k1", text="Low credit"), now=now)
    return {
        "notice_id": Notice.objects.get(user=anna).pk,
        "message_id": message.pk,
        "delivery_id": Delivery.objects.get(message=message).pk,
    }


def guarded() -> list[Route]:
    return [route for route in OWN if route.name not in OPEN]


def with_an_object() -> list[Route]:
    return [route for route in guarded() if set(route.parameters) - set(WORDS)]


def test_every_address_has_a_name() -> None:
    assert [route for route in OWN if not route.name] == []


def test_what_is_said_to_be_open_exists() -> None:
    assert {route.name for route in OWN} >= OPEN


@pytest.mark.parametrize("route", guarded(), ids=named)
def test_nobody_gets_in_unless_signed_in(route: Route, objects: dict[str, Any]) -> None:
    for verb in VERBS:
        answer = getattr(client_of(None), verb)(path_of(route, objects))
        goes_to_the_door = answer.status_code == 302 and answer["Location"].startswith("/accounts/login/")
        assert goes_to_the_door or answer.status_code in {401, 403, 404, 405}, f"{verb}: {answer.status_code}"


@pytest.mark.parametrize("route", [route for route in ADMIN if route.name not in ADMIN_DOORS], ids=named)
@pytest.mark.parametrize("actor", ["nobody", "anna"])
def test_the_administration_is_for_staff(route: Route, actor: str, anna: User) -> None:
    answer = client_of(anna if actor == "anna" else None).get(path_of(route, {}))
    assert answer.status_code in {302, 403, 404}
    assert answer.status_code != 302 or "/login/" in answer["Location"]


@pytest.mark.parametrize("route", with_an_object(), ids=named)
@pytest.mark.parametrize("actor", ["ben", "carla", "support"])
def test_another_s_object_does_not_exist(route: Route, actor: str, objects: dict[str, Any]) -> None:
    client = client_of(person(actor, is_staff=actor == "support"))
    nowhere = {name: nobody_has(value) for name, value in objects.items()}
    for verb in VERBS:
        answer = getattr(client, verb)(path_of(route, objects))
        assert answer.status_code in {404, 405}, f"{verb}: {answer.status_code}"
        assert answer.status_code == getattr(client, verb)(path_of(route, nowhere)).status_code, verb


@pytest.mark.parametrize("route", with_an_object(), ids=named)
def test_the_owner_s_object_does_exist(route: Route, anna: User, objects: dict[str, Any]) -> None:
    """The control of the test above."""
    answers = [getattr(client_of(anna), verb)(path_of(route, objects)).status_code for verb in ("get", "post")]
    assert set(answers) - {404, 405}


@pytest.mark.parametrize("route", [route for route in ROUTES if route.name not in {"", "admin:"}], ids=named)
def test_every_answer_has_the_policy_and_none_is_an_error(route: Route, anna: User, objects: dict[str, Any]) -> None:
    support = get_user_model().objects.create_superuser("support", password="demo-office")
    for user in (None, anna, support):
        answer = client_of(user).get(path_of(route, objects))
        policy = answer.headers.get("Content-Security-Policy", "")
        assert "default-src 'self'" in policy
        assert "unsafe" not in policy
        assert answer.status_code < 500 or route.name == "readyz"


def test_the_page_of_a_wrong_address_has_the_policy() -> None:
    answer = client_of(None).get("/nowhere/")
    assert answer.status_code == 404
    assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
