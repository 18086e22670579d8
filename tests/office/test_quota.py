"""The quota: granted = available + sent + on their way + lapsed, as shown on the page."""

import re
import uuid
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.utils import timezone

from credit.models import Account, Plan
from credit.months import months
from office.quota import PICTURE_WIDTH, bar, quota_of
from sms import submission
from sms.models import Delivery
from sms.submission import Recipient, Request
from tests.people import numbers, person

pytestmark = pytest.mark.django_db
ADDRESS = "/settings/quota/account/"


def send(user, count, *, key=None):
    to = [Recipient(number) for number in numbers(count)]
    wanted = Request(user=user, text="See you at 9", to=to, occasion="form", request_key=key or str(uuid.uuid4()))
    return submission.submit(wanted, now=timezone.now()).message


def mark_sent(message, positions):
    now = timezone.now()
    marked = Delivery.objects.filter(message=message, position__in=positions)
    marked.update(state="sending")
    marked.update(state="sent", sent_at=now)


def shown(client):
    page = client.get(ADDRESS).content.decode()
    figures = dict(re.findall(r'data-figure="([a-z-]+)">(\d+)<', page))
    return page, {name: int(value) for name, value in figures.items()}


def test_it_wants_to_know_who_asks(client):
    assert client.get(ADDRESS).status_code == client.get(ADDRESS + "figure/").status_code == 302


@pytest.mark.row("S14")
def test_the_figures_add_up_for_both_pockets(client):
    user = person(parts=9, now=timezone.now())
    message = send(user, 14)
    mark_sent(message, [0, 1, 10])
    client.force_login(user)
    page, has = shown(client)
    assert has == {
        "granted": 9,
        "available": 0,
        "sent": 2,
        "in-flight": 7,
        "lapsed": 0,
        "balance-sent": 1,
        "balance-in-flight": 4,
    }
    assert has["granted"] == has["available"] + has["sent"] + has["in-flight"] + has["lapsed"]
    money = dict(re.findall(r'data-amount="([a-z-]+)">([^<]+)<', page))
    assert money == {"put-in": "€5.00", "available": "€4.525", "sent": "€0.095", "in-flight": "€0.38"}
    assert 'aria-label="0 SMS available, 2 sent, 7 on their way, 0 lapsed"' in page
    assert f"/sms/{message.pk}/" in page
    assert "(Europe/Brussels)" in page


def test_what_was_paid_back_is_available_again(client):
    user = person(parts=9, now=timezone.now())
    message = send(user, 3)
    submission.cancel(message, now=timezone.now())
    client.force_login(user)
    _page, has = shown(client)
    assert (has["available"], has["sent"], has["in-flight"]) == (9, 0, 0)


def test_nobodys_figures_but_ones_own(client):
    send(person("anna", now=timezone.now()), 3)
    client.force_login(person("carla", parts=0, balance=0, now=timezone.now()))
    page, has = shown(client)
    assert has == {"balance-sent": 0, "balance-in-flight": 0}
    assert "No movement yet" in page
    assert "Your subscription gives no SMS this month" in page


def test_the_statement_goes_on_behind_its_first_page(client):
    user = person(parts=100, now=timezone.now())
    for turn in range(30):
        send(user, 1, key=f"{turn}")
    client.force_login(user)
    first = client.get(ADDRESS).content.decode()
    older = re.search(r'href="(/settings/quota/account/\?before=[^#"]+)', first).group(1).replace("&amp;", "&")
    second = client.get(older).content.decode()
    assert "Allowance of the month" in second
    assert "Older lines" not in second
    assert "Newest lines" in second


def test_the_picture_is_whole_whatever_the_shares():
    for shares in ({"sent": 1, "way": 1, "available": 1}, {"sent": 10_000, "way": 1}, {"lapsed": 7}):
        pieces = bar(shares)
        assert sum(piece.width for piece in pieces) == PICTURE_WIDTH
        assert [piece.x for piece in pieces] == [
            sum(before.width for before in pieces[:place]) for place in range(len(pieces))
        ]
    assert bar({"sent": 0, "available": 0}) == []


def test_a_quota_without_any_account():
    user = person("carla", parts=0, balance=0, now=timezone.now())
    assert quota_of(user, now=timezone.now()).allowance_bar == []


@pytest.mark.row("S14")
def test_what_sent_what_adds_up_to_the_figures(client):
    user = person(parts=9, now=timezone.now())
    mark_sent(send(user, 3), [0])
    for occasion, count in (("api", 2), ("reminder", 6)):
        to = [Recipient(number) for number in numbers(count)]
        submission.submit(Request(user, "See you", to, occasion, occasion), now=timezone.now())
    found = quota_of(user, now=timezone.now())
    assert [(label, used.sent, used.in_flight) for label, used in found.occasions] == [
        ("SMS form", 1, 2), ("API", 0, 2), ("reminder", 0, 6),
    ]  # fmt: skip
    assert found.has.granted == found.has.available + found.used.from_allowance + found.has.lapsed
    assert found.put_in == found.has.balance + found.used.amount_sent + found.used.amount_in_flight
    client.force_login(user)
    page, _has = shown(client)
    assert page.index("SMS form") < page.index("reminder")


@pytest.mark.row("S14", "S15")
def test_the_months_back_show_what_was_used_and_what_lapsed(client):
    march = datetime(2026, 3, 10, tzinfo=UTC)
    user = person(parts=10, balance=50_000, now=march)
    with time_machine.travel(march, tick=False):
        mark_sent(send(user, 4), range(4))
    with time_machine.travel(march + timedelta(days=60), tick=False):
        submission.cancel(send(user, 3), now=timezone.now())
        send(user, 12)
        client.force_login(user)
        page = client.get(ADDRESS).content.decode()
        found = months(user, now=timezone.now())
    assert [(each.granted, each.used, each.lapsed, each.available, each.spent) for each in found] == [
        (10, 10, 0, 0, 1_900), (10, 4, 6, 0, 0),
    ]  # fmt: skip
    assert re.findall(r'data-month="([0-9-]+)"', page) == ["2026-05", "2026-03"]
    assert "May 2026" in page


def test_a_user_says_what_to_be_told(client):
    user = person(now=timezone.now())
    client.force_login(user)
    bad = client.post(ADDRESS, {"low_below": "-1", "tells_low": "on"})
    assert bad.status_code == 422
    assert client.post(ADDRESS, {"low_below": "12", "tells_lapse": "on"}).status_code == 302
    account = Account.objects.get(user=user)
    assert (account.low_below, account.tells_low, account.tells_lapse, account.tells_shortage) == (
        12,
        False,
        True,
        False,
    )


def test_what_another_wants_to_be_told_is_neither_shown_nor_changed(client):
    anna, carla = person("anna", now=timezone.now()), person("carla", now=timezone.now())
    client.force_login(carla)
    Account.objects.filter(user=anna).update(low_below=77)
    assert client.get(ADDRESS).context["form"]["low_below"].value() == 5
    client.post(ADDRESS, {"low_below": "12"})
    assert dict(Account.objects.values_list("user", "low_below")) == {anna.pk: 77, carla.pk: 12}


def test_the_plan_stands_with_its_price_and_vat(client):
    user = person(now=timezone.now())
    Plan.objects.update(fee=125_000, vat=21)
    client.force_login(user)
    assert "It costs €12.50 a month, 21% VAT included." in client.get(ADDRESS).content.decode()
