"""The balance's page."""

import pytest
from django.db import transaction
from django.utils import timezone

from credit import charging, topping_up
from tests.people import person

pytestmark = pytest.mark.django_db
ADDRESS = "/settings/account/balance/"


def test_it_wants_to_know_who_asks(client):
    assert client.get(ADDRESS).headers["Location"] == f"/accounts/login/?next={ADDRESS}"
    client.force_login(person())
    assert client.put(ADDRESS).status_code == 405


@pytest.mark.row("S13")
def test_it_says_what_there_is_as_money_and_as_sms_and_how_it_is_filled(client):
    user = person(parts=0, now=timezone.now())
    with transaction.atomic():
        charging.charge_many([charging.Charge(user.pk, 2, "a", "form", "")], now=timezone.now())
    client.force_login(user)
    page = client.get(ADDRESS).content.decode()
    assert "€4.81" in page
    assert "pays for 50 SMS" in page
    assert "€0.095, whatever the country" in page
    assert "−€0.19" in page
    assert "to begin with" in page
    assert "support can add to the balance" in page


def test_another_s_open_payment_is_not_shown(client, settings):
    settings.STRIPE_SECRET_KEY = "sk_test_x"
    now, anna, carla = timezone.now(), person("anna"), person("carla")
    wanted = topping_up.Wanted(amount=100_000, currency="EUR", livemode=False, vat_rate=0)
    top_up = topping_up.begin(anna, wanted, now=now)
    type(top_up).objects.update(session="cs_1")
    for user, shown in ((anna, True), (carla, False)):
        client.force_login(user)
        assert (str(top_up.pk) in client.get(ADDRESS).content.decode()) == shown


def test_somebody_without_an_account_sees_nothing_of_others(client):
    person("anna", now=timezone.now())
    client.force_login(person("carla", parts=0, balance=0, now=timezone.now()))
    page = client.get(ADDRESS).content.decode()
    assert "€0.00" in page
    assert "Nothing has moved it yet" in page
