"""Staff pays a top-up back through Stripe: with a reason, in one transaction with the act of staff."""

import pytest
from django.test import Client
from django.utils import timezone

from contacts.models import StaffAct
from credit import charging, checkout
from credit.models import RefundOrder, TopUp
from tests.people import person

pytestmark = [pytest.mark.django_db, pytest.mark.row("S13")]


@pytest.fixture
def top_up() -> TopUp:
    now = timezone.now()
    account = charging.account_of(person(parts=0, balance=0, now=now))
    return TopUp.objects.create(
        account=account, amount=250_000, currency="EUR", livemode=False, vat_rate=2_100, state="paid", payment="pi_1",
        created_at=now, expires_at=now, paid_at=now,
    )  # fmt: skip


@pytest.fixture
def desk() -> Client:
    client = Client()
    client.force_login(person("support", is_staff=True, is_superuser=True))
    return client


@pytest.fixture
def asked(monkeypatch) -> list:
    """Orders that Stripe was asked for."""
    found: list = []
    monkeypatch.setattr(checkout, "ask_refund", lambda order, **_clock: found.append(order))
    return found


def address(top_up: TopUp) -> str:
    return f"/admin/credit/topup/{top_up.pk}/refund/"


def test_order_and_act_are_written_and_then_stripe_is_asked(desk, top_up, asked, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        answer = desk.post(address(top_up), {"amount": "12,50", "why": "double payment"})
    assert answer.status_code == 302
    order = RefundOrder.objects.get()
    assert (order.amount, order.why, order.by.username) == (125_000, "double payment", "support")
    act = StaffAct.objects.get()
    assert (act.model, act.key, act.why, act.changes) == (
        "credit.topup", str(top_up.pk), "double payment", {"refund": [0, 125_000]},
    )  # fmt: skip
    assert asked == [order]
    page = desk.get(f"/admin/credit/topup/{top_up.pk}/change/").content.decode()
    assert "double payment" in page
    assert "being asked" in page


@pytest.mark.parametrize(
    "typed",
    [{"amount": "25.01", "why": "x"}, {"amount": "0", "why": "x"}, {"amount": "5"}, {"amount": "a", "why": "x"}],
)
def test_too_much_nothing_and_no_reason_are_refused(desk, top_up, asked, typed):
    assert desk.post(address(top_up), typed).status_code == 200
    assert not RefundOrder.objects.exists()
    assert not StaffAct.objects.exists()


def test_a_second_order_gets_what_the_first_left(desk, top_up, asked):
    desk.post(address(top_up), {"amount": "20", "why": "x"})
    desk.post(address(top_up), {"amount": "20", "why": "x"})
    assert RefundOrder.objects.count() == 1
    assert "€5.00 of this payment can go back" in desk.get(address(top_up)).content.decode()
