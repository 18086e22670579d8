"""Month by month: what is told is one's own, on both databases."""

from django.db import transaction

from credit import charging
from credit.months import months, put_in
from tests.people import NOW, person


def test_another_s_months_and_money_are_not_counted(database):
    anna, carla = person("anna", parts=2, balance=50_000), person("carla", parts=1, balance=950)
    for user, parts in ((anna, 5), (carla, 2)):
        with transaction.atomic():
            charging.charge_many([charging.Charge(user.pk, parts, "k", "form", "")], now=NOW)
    [of_anna], [of_carla] = months(anna, now=NOW), months(carla, now=NOW)
    assert (of_anna.used, of_anna.spent, of_carla.used, of_carla.spent) == (2, 3 * 950, 1, 950)
    assert (put_in(anna, since=of_anna.starts_at), put_in(carla, since=of_anna.starts_at)) == (50_000, 950)
