"""Credit by program: the figures of the quota page, parts as numbers, money as text."""

import re
from datetime import datetime

import pytest
from django.utils import timezone

from credit.allowance import standing
from credit.api import amount
from sms import dispatch
from sms.gateways import configured
from tests.people import numbers, person
from tests.program import Program


@pytest.mark.parametrize(
    ("units", "text"), [(0, "0.0000"), (950, "0.0950"), (50_000, "5.0000"), (10**12 + 1, "100000000.0001")]
)
def test_money_is_text_with_four_decimals(units, text) -> None:
    assert amount(units) == text


@pytest.mark.row("S14")
def test_both_pockets_with_what_they_paid(database, settings) -> None:
    settings.SMS_GATEWAYS = {"memory": {"BACKEND": "sms.gateways.memory.Memory", "OPTIONS": {}}}
    configured.gateway("memory").play(["accept", "accept", "accept", "time_out_after", "refuse"])
    user = person(parts=3, balance=50_000, now=timezone.now())
    program = Program.of(user)
    program.send(*numbers(5))
    dispatch.drain("memory", clock=timezone.now)
    program.send(*numbers(1), key="k2")
    told = program.get("credit/").json()
    renews_at = told["allowance"].pop("renews_at")
    assert told == {
        "allowance": {"granted": 3, "available": 0, "sent": 3, "in_flight": 0, "lapsed": 0},
        "balance": {"available": "4.8100", "parts": 50, "sent": 0, "in_flight": 2, "currency": "EUR"},
        "price": "0.0950",
    }
    assert datetime.fromisoformat(renews_at) == standing(user, now=timezone.now()).renews_at
    assert re.search(r"-01T00:00:00\+0[12]:00$", renews_at)  # the user's own zone, said


@pytest.mark.django_db
def test_where_a_part_costs_nothing_the_balance_pays_no_number_of_them(settings) -> None:
    settings.SMS_PRICE = 0
    user = person(parts=0, balance=0, now=timezone.now())
    user.account.plan.price = 0
    user.account.plan.save()
    told = Program.of(user).get("credit/").json()
    assert (told["price"], told["balance"]["parts"]) == ("0.0000", None)
