"""Every address has a name, and every answer the content security policy. Who gets in where: `test_permissions`."""

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from django.utils import timezone

from contacts import notices
from contacts.models import Notice, User
from credit import charging
from credit.models import TopUp
from office import tokens
from office.models import Token
from sms.models import Delivery
from sms.submission import Recipient, Request, submit
from tests.architecture.routes import OWN, ROUTES, Route
from tests.people import MOBILE, person

# a word in an address that names no object of anybody's
WORDS = {"tool": "sms", "alias": "memory", "uidb36": "1", "key": "set-password", "app_label": "credit"}
pytestmark = pytest.mark.django_db


def named(route: Route) -> str:
    return route.name


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
    tokens.make(anna, name="report", now=now)
    top_up = TopUp.objects.create(
        account=charging.account_of(anna), amount=100_000, currency="EUR", livemode=False, vat_rate=2_100,
        state="paid", payment="pi_1", created_at=now, expires_at=now, paid_at=now,
    )  # fmt: skip
    return {
        "top_up_id": top_up.pk,
        "notice_id": Notice.objects.get(user=anna).pk,
        "message_id": message.pk,
        "token_id": Token.objects.get(user=anna).pk,
        "delivery_id": Delivery.objects.get(message=message).pk,
    }


def test_every_address_has_a_name() -> None:
    assert [route for route in OWN if not route.name] == []


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
