"""Top-ups by program: begun with a call, paid by a person, listed with what went back."""

import pytest
from django.utils import timezone

from credit.allowance import standing
from credit.models import TopUp
from office.stripe_double import pages
from tests.people import person
from tests.program import Program

pytestmark = [pytest.mark.django_db, pytest.mark.row("S13")]


@pytest.fixture
def anna():
    return person("anna", parts=0, balance=0, now=timezone.now())


@pytest.fixture
def program(anna):
    return Program.of(anna)


def test_a_program_begins_a_top_up_and_a_person_pays_it(double, anna, program):
    begun = program.post("top-ups/", {"amount": "25.00"})
    assert begun.status_code == 201
    told = begun.json()
    pay_at = told.pop("pay_at")
    assert pay_at.startswith(double.address)
    assert {name: told[name] for name in ("amount", "refunded", "currency", "state", "paid_at")} == {
        "amount": "25.0000", "refunded": "0.0000", "currency": "EUR", "state": "open", "paid_at": None,
    }  # fmt: skip
    assert standing(anna, now=timezone.now()).balance == 0
    pages.press(double.records, pay_at.removeprefix(double.address), "pay")
    paid = program.get(f"top-ups/{told['id']}/").json()
    assert (paid["state"], standing(anna, now=timezone.now()).balance) == ("paid", 250_000)
    listed = program.get("top-ups/").json()
    assert (listed["count"], listed["results"]) == (1, [paid])


@pytest.mark.parametrize(
    ("amount", "says"),
    [("0.50", "must be from"), ("99999.00", "must be from"), ("1.234", ""), ("ten", ""), (None, ""), ("-5", "")],
)
def test_an_amount_that_cannot_be_paid_is_refused_at_its_field_and_begins_nothing(double, program, amount, says):
    answer = program.post("top-ups/", {"amount": amount})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
    [sentence] = answer.json()["fields"]["amount"]
    assert says in sentence
    assert TopUp.objects.count() == 0


def test_where_nobody_can_be_paid_it_says_so(settings, program):
    settings.STRIPE_SECRET_KEY = ""
    answer = program.post("top-ups/", {"amount": "25.00"})
    assert (answer.status_code, answer.json()["code"]) == (409, "no_cards")
    assert TopUp.objects.count() == 0


def test_a_payment_page_that_cannot_be_reached_charges_nothing(double, program, settings):
    settings.STRIPE_API_BASE = "http://127.0.0.1:9"  # nothing listens there
    answer = program.post("top-ups/", {"amount": "25.00"})
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert "Nothing was charged" in answer.json()["detail"]


def test_more_open_ones_than_a_person_would_begin_are_refused(double, program, monkeypatch):
    monkeypatch.setattr("credit.topping_up.MOST_OPEN", 1)
    assert program.post("top-ups/", {"amount": "25.00"}).status_code == 201
    answer = program.post("top-ups/", {"amount": "25.00"})
    assert (answer.status_code, answer.json()["code"]) == (429, "too_many_open")


def test_another_s_top_up_is_not_there(double, program):
    own = program.post("top-ups/", {"amount": "25.00"}).json()["id"]
    ben = Program.of(person("ben", now=timezone.now()))
    assert ben.get(f"top-ups/{own}/").status_code == 404
    assert ben.get("top-ups/").json()["count"] == 0
