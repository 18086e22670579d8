"""Told in time: low credit, what lapses soon, planned SMS that cannot be paid; once each, and only who wants it."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from contacts.models import Notice
from credit import charging
from credit.models import Account
from office import credit_warnings
from office.credit_warnings import tell_due, warnings_of
from sms import forecast, submission
from sms.submission import Recipient, Request
from tests.people import NOW, give, numbers, person

pytestmark = pytest.mark.django_db
LAST_DAYS = datetime(2026, 11, 28, 10, tzinfo=UTC)


def kinds(user, *, now=NOW) -> list[str]:
    return [each.kind for each in warnings_of(user, now=now)]


def told() -> list[str]:
    return [notice.text for notice in Notice.objects.order_by("pk")]


def plan(user, count, *, at, key="p"):
    to = [Recipient(number) for number in numbers(count)]
    submission.submit(Request(user, "See you", to, "form", key, release_at=at), now=NOW)


def test_low_credit_is_told_once_each_time_that_it_was_filled():
    user = person(parts=3, balance=0)
    for _again in range(2):
        tell_due(now=NOW)
    assert told() == ["Your credit runs low: 3 SMS of this month's allowance and €0.00 of balance are left."]
    assert Notice.objects.get().seen_at, "the welcome page shows it as it stands"
    give(user, parts=3, balance=9_500)
    tell_due(now=NOW)
    charging.adjust(user.account, charging.Adjustment(parts=0, amount=-9_000, why="x"), now=NOW)
    tell_due(now=NOW)
    assert len(told()) == 2


def test_the_threshold_is_ones_own():
    user = person(parts=8, balance=0)
    assert kinds(user) == []
    Account.objects.update(low_below=9)
    assert kinds(user) == ["low"]
    Account.objects.update(tells_low=False)
    assert kinds(user) == []


def test_what_another_wants_to_be_told_is_not_asked():
    anna, ben = person("anna", parts=3, balance=0), person("ben", parts=3, balance=0)
    Account.objects.filter(user=anna).update(tells_low=False)
    assert (kinds(anna), kinds(ben)) == ([], ["low"])


def test_who_never_had_credit_is_not_told_that_it_runs_low():
    person(parts=0, balance=0)
    tell_due(now=NOW)
    assert told() == []


@pytest.mark.row("N6")
def test_what_lapses_soon_is_told_once_a_month_with_its_hour():
    user = person(parts=30)
    assert kinds(user, now=LAST_DAYS - timedelta(days=1)) == []
    assert kinds(user, now=LAST_DAYS) == ["lapse"]
    for hours in range(3):
        tell_due(now=LAST_DAYS + timedelta(hours=hours))
    [text] = told()
    assert (
        text == "30 SMS of this month's allowance lapse on 1 December 2026, 00:00 (Europe/Brussels): use them before."
    )
    Account.objects.update(tells_lapse=False)
    assert kinds(user, now=LAST_DAYS) == []


@pytest.mark.row("N5")
def test_planned_sms_that_need_more_than_there_is_are_told_in_time():
    user = person(parts=10, balance=0)
    plan(user, 10, at=NOW + timedelta(days=2))
    plan(user, 40, at=NOW + timedelta(days=9), key="next month")
    assert kinds(user) == []
    plan(user, 12, at=NOW + timedelta(days=3), key="more")
    assert [each.text for each in warnings_of(user, now=NOW)] == [
        "Planned SMS need 22 until 30 November 2026; you have 10."
    ]
    for _again in range(2):
        tell_due(now=NOW)
    assert len(told()) == 1
    Account.objects.update(tells_shortage=False)
    assert kinds(user) == []


@pytest.mark.row("N5")
def test_other_floors_join_the_forecast(monkeypatch):
    user = person(parts=10, balance=0)
    monkeypatch.setattr(forecast, "_demands", [forecast.planned_messages])
    forecast.join(lambda users, _until: dict.fromkeys(users, 11))
    plan(user, 2, at=NOW + timedelta(days=2))
    assert forecast.planned([user.pk], until=NOW + timedelta(days=7)) == {user.pk: 13}
    assert kinds(user) == ["shortage"]


def test_nobody_is_told_of_anothers_credit_and_the_suspended_of_none(monkeypatch):
    monkeypatch.setattr(credit_warnings, "BATCH", 1)
    anna, ben = person("anna", parts=3, balance=0), person("ben", parts=4, balance=0, is_active=False)
    carla = person("carla", parts=50)
    assert tell_due(now=NOW) == 2
    assert [notice.user for notice in Notice.objects.all()] == [anna]
    assert kinds(carla) == []
    assert kinds(ben) == ["low"]


@pytest.mark.row("N5", "N6")
def test_the_welcome_page_shows_what_holds_now(client):
    with time_machine.travel(LAST_DAYS, tick=False):
        user = person(parts=10, balance=0, now=LAST_DAYS)
        client.force_login(user)
        page = client.get("/").content.decode()
        assert "10 SMS of this month&#x27;s allowance lapse on" in page
        tell_due(now=LAST_DAYS)
        assert client.get("/").content.decode().count("allowance lapse on") == 1


def test_the_statements_are_the_same_few_whatever_the_number_of_accounts(django_assert_num_queries):
    for index in range(3):
        person(f"user{index}", parts=3, balance=0)
    with django_assert_num_queries(5):
        tell_due(now=NOW)
